// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include "mappings.hpp"

#include "snapshot.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>

#if defined(__GNUG__)
#    include <cxxabi.h>
#endif
#if defined(__unix__)
#    include <dlfcn.h>
#endif
#if defined(__linux__)
#    include <elf.h>
#    include <link.h>
#    include <unistd.h>
#endif

namespace weft::inline v0_1::detail {

std::vector<mapping> executable_mappings()
{
    std::vector<mapping> all;
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        // begin-end rights offset device inode file
        std::istringstream in(line);
        mapping m;
        char dash = 0;
        std::string rights, device, inode;
        if (!(in >> std::hex >> m.begin >> dash >> m.end >> rights >> m.offset >> device >> inode))
            continue;
        if (rights.size() < 3 || rights[2] != 'x') continue;
        std::getline(in >> std::ws, m.file);
        all.push_back(std::move(m));
    }
    return all;
}

std::string readable_symbol(const char* mangled)
{
    std::string name = mangled;
#if defined(__GNUG__)
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> text(
        abi::__cxa_demangle(mangled, nullptr, nullptr, &status), std::free);
    if (text) name = text.get();
#endif
    if (const auto clone = name.find(" [clone "); clone != name.npos) name.resize(clone);
    for (const std::string_view part : {".resume", ".actor", ".destroy"}) {
        if (name.ends_with(part)) name.resize(name.size() - part.size());
    }
    return readable_name(name);
}

symbol_names::symbol_names()
{
    for (auto& m : executable_mappings()) objects_.push_back({std::move(m)});
}

const symbol_names::object* symbol_names::find(std::uint64_t address) const noexcept
{
    const auto after =
        std::upper_bound(objects_.begin(), objects_.end(), address,
                         [](std::uint64_t a, const object& o) { return a < o.where.begin; });
    if (after == objects_.begin()) return nullptr;
    const auto& o = *std::prev(after);
    return address < o.where.end ? &o : nullptr;
}

std::string_view symbol_names::file(std::uint64_t address) const
{
    const object* o = find(address);
    return o ? std::string_view(o->where.file) : std::string_view();
}

std::string symbol_names::name(std::uint64_t address)
{
    if (auto* o = const_cast<object*>(find(address))) {
        if (!o->loaded) load(*o);
        const std::uint64_t a = address - o->bias;
        auto at = std::upper_bound(o->symbols.begin(), o->symbols.end(), a,
                                   [](std::uint64_t x, const symbol& s) { return x < s.begin; });
        // A few steps back, over symbols of no size and those that lie inside others.
        for (int steps = 8; steps > 0 && at != o->symbols.begin(); --steps) {
            --at;
            if (a < at->end) return readable_symbol(at->name.c_str());
        }
    }
#if defined(__unix__)
    Dl_info info{};
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    if (dladdr(reinterpret_cast<void*>(address), &info) != 0 && info.dli_sname)
        return readable_symbol(info.dli_sname);
#endif
    return {};
}

#if defined(__linux__)

namespace {

/// A part of a file; empty if it is not that long.
template <class T>
std::vector<T> read_at(std::ifstream& in, std::uint64_t offset, std::uint64_t count)
{
    constexpr std::uint64_t most = std::uint64_t{1} << 30; // a broken file must not exhaust memory
    if (count > most / sizeof(T)) return {};
    std::vector<T> all(count);
    in.clear();
    in.seekg(static_cast<std::streamoff>(offset));
    in.read(reinterpret_cast<char*>(all.data()), static_cast<std::streamsize>(count * sizeof(T)));
    if (!in) all.clear();
    return all;
}

} // namespace

/// Reads the file's symbol table, else what it exports. One that is no ELF file of this machine has none.
void symbol_names::load(object& o)
{
    o.loaded = true;
    using header = ElfW(Ehdr);
    using section = ElfW(Shdr);
    using segment = ElfW(Phdr);
    using entry = ElfW(Sym);
    std::ifstream in(o.where.file, std::ios::binary);
    const auto head = read_at<header>(in, 0, 1);
    if (head.empty() || std::memcmp(head[0].e_ident, ELFMAG, SELFMAG) != 0 ||
        head[0].e_ident[EI_CLASS] != (sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32) ||
        head[0].e_shentsize != sizeof(section) || head[0].e_phentsize != sizeof(segment)) {
        return;
    }
    for (const auto& s : read_at<segment>(in, head[0].e_phoff, head[0].e_phnum)) {
        // The mapping begins with the page that the segment begins in: with lld, that is also the end of another one.
        const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
        if (s.p_type == PT_LOAD && (s.p_flags & PF_X) != 0 &&
            s.p_offset / page * page <= o.where.offset &&
            o.where.offset < s.p_offset + s.p_filesz) {
            o.bias = o.where.begin - (s.p_vaddr + (o.where.offset - s.p_offset));
        }
    }
    const auto sections = read_at<section>(in, head[0].e_shoff, head[0].e_shnum);
    for (const auto type : {SHT_SYMTAB, SHT_DYNSYM}) {
        for (const auto& s : sections) {
            if (s.sh_type != static_cast<ElfW(Word)>(type) || s.sh_link >= sections.size() ||
                s.sh_entsize != sizeof(entry))
                continue;
            const auto names =
                read_at<char>(in, sections[s.sh_link].sh_offset, sections[s.sh_link].sh_size);
            for (const auto& e : read_at<entry>(in, s.sh_offset, s.sh_size / sizeof(entry))) {
                const unsigned kind = e.st_info & 15;
                if ((kind != STT_FUNC && kind != STT_GNU_IFUNC) || e.st_shndx == SHN_UNDEF ||
                    e.st_name >= names.size())
                    continue;
                const char* name = names.data() + e.st_name;
                const std::size_t room = names.size() - e.st_name;
                o.symbols.push_back({e.st_value, e.st_value + std::max<ElfW(Xword)>(e.st_size, 1),
                                     std::string(name, strnlen(name, room))});
            }
        }
        if (!o.symbols.empty()) break;
    }
    std::sort(o.symbols.begin(), o.symbols.end(),
              [](const symbol& a, const symbol& b) { return a.begin < b.begin; });
}

#else

void symbol_names::load(object& o)
{
    o.loaded = true;
}

#endif

} // namespace weft::inline v0_1::detail
