# SPDX-License-Identifier: BSL-1.0
# Files as constants of a program.

# holdfast_embed(<out.cpp> HEADER <header> NAMESPACE <namespace> TYPE <type> PARTS <name>=<file>[+<file>...]...)
#
# Writes <out.cpp> with one constant `const <type> <name>{text, sha256}` per part: the files one after the other, with
# line ends of one character. The build is configured again when one changes.
function(holdfast_embed out)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "HEADER;NAMESPACE;TYPE" "PARTS")
  set(code "// SPDX-License-Identifier: BSL-1.0\n// Made by holdfast_embed().\n#include \"${arg_HEADER}\"\n\n")
  string(APPEND code "namespace ${arg_NAMESPACE} {\n")
  foreach(part IN LISTS arg_PARTS)
    string(REGEX MATCH "^([A-Za-z]+)=(.+)$" matched "${part}")
    set(name "${CMAKE_MATCH_1}")
    string(REPLACE "+" ";" files "${CMAKE_MATCH_2}")
    set(text "")
    foreach(file IN LISTS files)
      set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
      file(READ "${CMAKE_CURRENT_SOURCE_DIR}/${file}" content HEX)
      # A hash is of what a browser sees, and that is "\n" however git checked the file out.
      string(REGEX REPLACE "(..)" "\\1 " content "${content}")
      string(REPLACE "0d 0a " "0a " content "${content}")
      string(APPEND text "${content}")
    endforeach()
    # As characters: a string literal has a largest length for some compilers.
    string(REGEX REPLACE "(..) " "'\\\\x\\1'," bytes "${text}")
    string(REGEX REPLACE "('....','....','....','....','....','....','....','....','....','....','....','....','....','....','....','....',)" "\\1\n" bytes "${bytes}")
    set(scratch "${CMAKE_CURRENT_BINARY_DIR}/${name}.part")
    set(joined "")
    foreach(file IN LISTS files)
      file(READ "${CMAKE_CURRENT_SOURCE_DIR}/${file}" content)
      string(REPLACE "\r\n" "\n" content "${content}")
      string(APPEND joined "${content}")
    endforeach()
    string(SHA256 hash "${joined}")
    string(APPEND code "static constexpr char ${name}Bytes[] = {\n${bytes}};\n"
      "const ${arg_TYPE} ${name}{{${name}Bytes, sizeof ${name}Bytes}, \"${hash}\"};\n")
  endforeach()
  string(APPEND code "}  // namespace ${arg_NAMESPACE}\n")
  file(CONFIGURE OUTPUT "${out}" CONTENT "@code@" @ONLY)
endfunction()
