# SPDX-License-Identifier: BSL-1.0
# holdfast_add_agent(<name> SOURCES <file>... [LIBRARIES <target>...])
#
# Makes the agent library <name>.so (Linux) or <name>.dll (Windows): a module that shows its engine the
# start-up routines Startup and StartupEx and nothing else. SOURCES has one file with HOLDFAST_AGENT(...), which
# defines them.
# LIBRARIES are what the agent itself needs; holdfast::holdfast is always linked.

function(holdfast_add_agent name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBRARIES")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "holdfast_add_agent(${name}): unknown argument '${arg_UNPARSED_ARGUMENTS}'. "
      "Usage: holdfast_add_agent(<name> SOURCES <file>... [LIBRARIES <target>...])")
  endif()
  if(NOT arg_SOURCES)
    message(FATAL_ERROR "holdfast_add_agent(${name}): SOURCES names no file")
  endif()

  add_library(${name} MODULE ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE holdfast::holdfast ${arg_LIBRARIES})
  set_target_properties(${name} PROPERTIES PREFIX "" OUTPUT_NAME ${name}
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)

  set_property(GLOBAL APPEND PROPERTY HOLDFAST_AGENTS ${name})
  if(CMAKE_PROJECT_NAME STREQUAL "holdfast")
    holdfast_target_defaults(${name})   # our own agents; somebody else's warnings are his
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT WIN32)
    # Unique symbols (Asio has them) would keep the library mapped after dlclose, and tie two agents together.
    target_compile_options(${name} PRIVATE -fno-gnu-unique)
  endif()
  if(WIN32)
    target_sources(${name} PRIVATE "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/agent.def")
    if(MINGW)
      # One self-contained DLL: no compiler runtime has to lie beside it on the node.
      target_link_options(${name} PRIVATE -static)
    endif()
  elseif(UNIX AND NOT APPLE)
    target_link_options(${name} PRIVATE "LINKER:--version-script=${CMAKE_CURRENT_FUNCTION_LIST_DIR}/agent.map")
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      # What is missing is missed now, not when an engine loads the library. (clang's sanitizers live in the program.)
      target_link_options(${name} PRIVATE LINKER:-z,defs)
    endif()
    set_property(TARGET ${name} APPEND PROPERTY LINK_DEPENDS "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/agent.map")
  endif()
endfunction()
