# SPDX-License-Identifier: BSL-1.0
# holdfast_add_agent(<name> SOURCES <file>... [LIBRARIES <target>...]
#                    [VERSION <x.y.z>] [COMPANY <text>] [DESCRIPTION <text>] [COPYRIGHT <text>] [NO_REGISTRATION_SCRIPT]
#                    [OCF_PROVIDER <name>] [OCF_NAME <name>] [OCF_TYPE <type>] [NO_OCF])
#
# Makes the agent library <name>.so (Linux) or <name>.dll (Windows): a module that shows its engine the start-up
# routines and nothing else. SOURCES has one file with HOLDFAST_AGENT(...), which defines them. LIBRARIES are what the
# agent itself needs; holdfast::holdfast is always linked.
#
# On Windows the DLL has a version resource (VERSION and the others; see holdfast_version_resource), debug information of its
# own (<name>.pdb, or <name>.dll.debug with MinGW), and beside it, where the program holdfast is there to write it, the
# script <name>-register.ps1 that registers it with a cluster.
#
# On Linux there is an OCF agent, too, for Pacemaker: ocf:<OCF_PROVIDER>:<OCF_NAME>, by default ocf:holdfast:<name>; of the library's
# types OCF_TYPE, by default the first. See HoldfastOcf.cmake.
#
# holdfast_install_agent(<name> [DESTINATION <folder>]) installs all of that; default folder: lib/holdfast/agents.

include("${CMAKE_CURRENT_LIST_DIR}/HoldfastVersionResource.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/HoldfastOcf.cmake")

# MinGW: the debug information into a file of its own, as a PDB is; the DLL keeps a link to it.
function(_holdfast_split_debug_information name)
  if(NOT CMAKE_OBJCOPY OR NOT CMAKE_STRIP)
    return()
  endif()
  add_custom_command(TARGET ${name} POST_BUILD
    COMMAND "${CMAKE_OBJCOPY}" --only-keep-debug $<TARGET_FILE_NAME:${name}> $<TARGET_FILE_NAME:${name}>.debug
    COMMAND "${CMAKE_STRIP}" --strip-unneeded $<TARGET_FILE_NAME:${name}>
    COMMAND "${CMAKE_OBJCOPY}" --add-gnu-debuglink=$<TARGET_FILE_NAME:${name}>.debug $<TARGET_FILE_NAME:${name}>
    WORKING_DIRECTORY $<TARGET_FILE_DIR:${name}> VERBATIM)
endfunction()

# The script is what `holdfast describe` says of the DLL, so the DLL has to be loaded here: on Windows, or by an emulator.
function(_holdfast_add_registration_script name)
  set(program "")
  foreach(candidate holdfast::program holdfast_cli)
    if(TARGET ${candidate})
      set(program ${candidate})
    endif()
  endforeach()
  # CMake itself puts the emulator before targets that it builds, and not before imported ones.
  set(emulator "")
  if(CMAKE_CROSSCOMPILING)
    set(emulator ${CMAKE_CROSSCOMPILING_EMULATOR})
  endif()
  if(NOT program OR (CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR))
    message(VERBOSE "${name}-register.ps1 is not generated: no program holdfast that could run here. On Windows: "
      "holdfast describe ${name}.dll --format powershell --output ${name}-register.ps1")
    return()
  endif()
  set(script "${CMAKE_CURRENT_BINARY_DIR}/${name}-register.ps1")
  add_custom_command(OUTPUT "${script}"
    COMMAND ${emulator} $<TARGET_FILE:${program}> describe $<TARGET_FILE:${name}> --format powershell --output "${script}"
    DEPENDS ${name} ${program} COMMENT "Writing ${name}-register.ps1" VERBATIM)
  add_custom_target(${name}_registration ALL DEPENDS "${script}")
  set_target_properties(${name} PROPERTIES HOLDFAST_REGISTRATION_SCRIPT "${script}")
endfunction()

function(holdfast_add_agent name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "NO_REGISTRATION_SCRIPT;NO_OCF"
    "VERSION;COMPANY;DESCRIPTION;COPYRIGHT;OCF_PROVIDER;OCF_NAME;OCF_TYPE" "SOURCES;LIBRARIES")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "holdfast_add_agent(${name}): unknown argument '${arg_UNPARSED_ARGUMENTS}'. "
      "Usage: holdfast_add_agent(<name> SOURCES <file>... [LIBRARIES <target>...] [VERSION <x.y.z>] [COMPANY <text>] "
      "[DESCRIPTION <text>] [COPYRIGHT <text>] [NO_REGISTRATION_SCRIPT] "
      "[OCF_PROVIDER <name>] [OCF_NAME <name>] [OCF_TYPE <type>] [NO_OCF])")
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
    if(NOT arg_DESCRIPTION)
      set(arg_DESCRIPTION "${name}, a cluster resource DLL")
    endif()
    foreach(field VERSION COMPANY DESCRIPTION COPYRIGHT)
      if(arg_${field})
        list(APPEND fields ${field} "${arg_${field}}")
      endif()
    endforeach()
    holdfast_version_resource(${name} ${fields})
    if(MINGW)
      # One self-contained DLL: no compiler runtime has to lie beside it on the node.
      target_link_options(${name} PRIVATE -static LINKER:--gc-sections)
      _holdfast_split_debug_information(${name})
    elseif(MSVC)
      # The same with the static runtime; holdfast itself and every other library must be built with it, too.
      set_target_properties(${name} PROPERTIES MSVC_RUNTIME_LIBRARY "MultiThreaded$<$<CONFIG:Debug>:Debug>")
      # A PDB in every configuration, found by its name alone; what nothing calls is left out all the same.
      target_compile_options(${name} PRIVATE /EHsc /permissive- /Zc:__cplusplus /utf-8 /bigobj /Zi)
      target_link_options(${name} PRIVATE /DEBUG /PDBALTPATH:%_PDB%
        $<$<NOT:$<CONFIG:Debug>>:/OPT:REF> $<$<NOT:$<CONFIG:Debug>>:/OPT:ICF> $<$<NOT:$<CONFIG:Debug>>:/INCREMENTAL:NO>)
    endif()
    if(NOT arg_NO_REGISTRATION_SCRIPT)
      _holdfast_add_registration_script(${name})
    endif()
  elseif(UNIX AND NOT APPLE)
    target_link_options(${name} PRIVATE "LINKER:--version-script=${CMAKE_CURRENT_FUNCTION_LIST_DIR}/agent.map")
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      # What is missing is missed now, not when an engine loads the library. (clang's sanitizers live in the program.)
      target_link_options(${name} PRIVATE LINKER:-z,defs)
    endif()
    set_property(TARGET ${name} APPEND PROPERTY LINK_DEPENDS "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/agent.map")
  endif()
  if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND NOT arg_NO_OCF)
    foreach(field IN ITEMS OCF_PROVIDER OCF_NAME)
      if(NOT "${arg_${field}}" MATCHES "^([A-Za-z0-9_-][A-Za-z0-9._-]*)?$")
        message(FATAL_ERROR "holdfast_add_agent(${name}): ${field} '${arg_${field}}' is no file name that Pacemaker lists (L-004)")
      endif()
    endforeach()
    foreach(default "OCF_PROVIDER=holdfast" "OCF_NAME=${name}" "VERSION=${PROJECT_VERSION}" "VERSION=0.0.0")
      string(REGEX MATCH "^([A-Z_]+)=(.*)$" unused "${default}")
      if(NOT arg_${CMAKE_MATCH_1})
        set(arg_${CMAKE_MATCH_1} "${CMAKE_MATCH_2}")
      endif()
    endforeach()
    set_target_properties(${name} PROPERTIES HOLDFAST_OCF_NAME "${arg_OCF_NAME}" HOLDFAST_OCF_PROVIDER "${arg_OCF_PROVIDER}"
      HOLDFAST_OCF_TYPE "${arg_OCF_TYPE}" HOLDFAST_OCF_VERSION "${arg_VERSION}")
    _holdfast_add_ocf_agent(${name})
  endif()
endfunction()

function(holdfast_install_agent name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "DESTINATION" "")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "holdfast_install_agent(${name}): unknown argument '${arg_UNPARSED_ARGUMENTS}'. "
      "Usage: holdfast_install_agent(<name> [DESTINATION <folder>])")
  endif()
  if(NOT arg_DESTINATION)
    set(arg_DESTINATION "lib/holdfast/agents")
  endif()
  install(TARGETS ${name} LIBRARY DESTINATION "${arg_DESTINATION}" RUNTIME DESTINATION "${arg_DESTINATION}")
  if(MINGW AND CMAKE_OBJCOPY AND CMAKE_STRIP)
    install(FILES "$<TARGET_FILE:${name}>.debug" DESTINATION "${arg_DESTINATION}")
  elseif(MSVC)
    install(FILES $<TARGET_PDB_FILE:${name}> DESTINATION "${arg_DESTINATION}")
  endif()
  get_target_property(script ${name} HOLDFAST_REGISTRATION_SCRIPT)
  if(script)
    install(FILES "${script}" DESTINATION "${arg_DESTINATION}")
  endif()
endfunction()
