# weft_embed_page(<target> <page> HEADER <header> FUNCTION <a::b::f>): makes the file a part of the target; the header
# declares `std::string_view f() noexcept` in that namespace.
set(weft_embed_script ${CMAKE_CURRENT_LIST_DIR}/EmbedPage.cmake)
function(weft_embed_page target page)
    cmake_parse_arguments(PARSE_ARGV 2 the "" "HEADER;FUNCTION" "")
    string(REGEX MATCH "^(.*)::([^:]*)$" split "${the_FUNCTION}")
    cmake_path(GET page STEM name)
    set(made ${CMAKE_CURRENT_BINARY_DIR}/${target}_${name}.cpp)
    cmake_path(ABSOLUTE_PATH page BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
    add_custom_command(OUTPUT ${made}
        COMMAND ${CMAKE_COMMAND} -DPAGE=${page} -DHEADER=${the_HEADER} "-DNAMESPACE=${CMAKE_MATCH_1}"
            -DNAME=${CMAKE_MATCH_2} -DOUTPUT=${made} -P ${weft_embed_script}
        DEPENDS ${page} ${weft_embed_script}
        COMMENT "Embedding ${name}.html" VERBATIM)
    target_sources(${target} PRIVATE ${made})
endfunction()
