// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// select: wait for whichever case comes first. try_select: the same with a default, never waiting.

#include <weft/weft.hpp>

#include <iostream>
#include <string>

weft::task<> choices()
{
    auto mail = weft::make_channel<std::string>(1);
    auto quit = weft::make_channel<void>();

    // Nothing is ready: neither case happens.
    auto look = weft::try_select{mail.receive(), quit.receive()};
    std::cout << "mail yet? " << (look.index() == look.npos ? "no" : "yes") << '\n';

    // Exactly one happens. The one value fits into the buffer; the other stays with the caller.
    auto nobody = weft::make_channel<std::string>();
    auto sent = co_await weft::select{nobody.send("lost?"), mail.send("a letter")};
    std::cout << "case " << sent.index() << " sent, \"" << sent.unsent<0>() << "\" was kept\n";

    auto door = weft::make_channel<std::string>();
    weft::go([door, quit]() -> weft::task<> {
        co_await door.send("a parcel"); // waits until it is taken
        co_await door.send("a visitor");
        quit.close(); // everybody who waits for quit sees it
    });
    for (;;) {
        auto next = co_await (door.receive() || quit.receive()); // select{...}, written with ||
        if (next.index() == 1) break;
        std::cout << "got " << *next.get<0>() << '\n';
    }
    std::cout << "quit\n";
}

int main()
{
    weft::run(choices);
}

// Output:
// mail yet? no
// case 1 sent, "lost?" was kept
// got a parcel
// got a visitor
// quit
