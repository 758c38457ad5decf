#include "page.hpp"
std::string_view relay::page() noexcept
{
    return "relay";
}
