# SPDX-License-Identifier: BSL-1.0
# The OCF agent that holdfast_add_agent(<name> …) makes on Linux beside the library:
#
#   <binary dir>/ocf/resource.d/<provider>/<ocf name>   the launcher: a static program without the author's code
#   <binary dir>/ocf/<name>-host                        the host program: the author's code, resident while a resource runs
#
# Both know where they lie. For other places there is
#
#   holdfast_install_ocf_agent(<name> [DESTINATION <folder>] [PREFIX <path>]
#                              [COMPONENT <name>] [EXCLUDE_FROM_ALL])
#
# which builds both once more, for <prefix>:
#
#   <folder>/<provider>/<ocf name>                      default folder: lib/ocf/resource.d (L-002)
#   lib/holdfast/ocf/<name>-host
#   libexec/holdfast/<name>/holdfast-reaper             its own: two packages with agents have no file in common
#
# PREFIX is where they run, CMAKE_INSTALL_PREFIX unless told: an agent never looks for files relative to itself (L-006).
# Each file is replaced by renaming, so that no action of a running resource meets half of one (L-005), and has the mode
# 0755 (L-003). Call it in the folder that calls holdfast_add_agent(). On other systems it does nothing.

# _holdfast_ocf_programs(<library> <suffix> <host path> <reaper path or empty>): the targets <library>_ocf<suffix>, <library>_ocf_host<suffix>.
function(_holdfast_ocf_programs name suffix ocf_host reaper)
  get_target_property(ocf_name ${name} HOLDFAST_OCF_NAME)
  get_target_property(ocf_provider ${name} HOLDFAST_OCF_PROVIDER)
  get_target_property(ocf_version ${name} HOLDFAST_OCF_VERSION)
  get_target_property(type ${name} HOLDFAST_OCF_TYPE)
  set(ocf_type "nullptr")
  if(type)
    set(ocf_type "R\"(${type})\"")
  endif()
  set(ocf_reaper "nullptr")
  if(reaper)
    set(ocf_reaper "R\"(${reaper})\"")
  endif()
  set(generated "${CMAKE_CURRENT_BINARY_DIR}/ocf/${name}${suffix}")
  foreach(part launcher host)
    configure_file("${CMAKE_CURRENT_FUNCTION_LIST_DIR}/ocf_${part}.cpp.in" "${generated}/${part}.in.cpp" @ONLY)
    # What is known only when the build is generated: where the programs lie.
    file(GENERATE OUTPUT "${generated}/$<CONFIG>/${part}.cpp" INPUT "${generated}/${part}.in.cpp")
  endforeach()

  add_executable(${name}_ocf${suffix} "${generated}/$<CONFIG>/launcher.cpp")
  target_link_libraries(${name}_ocf${suffix} PRIVATE holdfast::ocf_client)
  add_executable(${name}_ocf_host${suffix} "${generated}/$<CONFIG>/host.cpp" $<TARGET_OBJECTS:${name}>)
  # The library's own libraries, as its author gave them.
  target_link_libraries(${name}_ocf_host${suffix} PRIVATE holdfast::ocf $<TARGET_PROPERTY:${name},LINK_LIBRARIES>)
  if(CMAKE_PROJECT_NAME STREQUAL "holdfast")
    holdfast_target_defaults(${name}_ocf${suffix})
    holdfast_target_defaults(${name}_ocf_host${suffix})
  endif()
  foreach(program ${name}_ocf${suffix} ${name}_ocf_host${suffix})
    target_compile_features(${program} PRIVATE cxx_std_20)
  endforeach()
endfunction()


function(_holdfast_add_ocf_agent name)
  set(root "${CMAKE_CURRENT_BINARY_DIR}/ocf")
  get_target_property(ocf_name ${name} HOLDFAST_OCF_NAME)
  get_target_property(ocf_provider ${name} HOLDFAST_OCF_PROVIDER)
  set(reaper "")
  foreach(candidate holdfast::reaper holdfast_reaper)
    if(TARGET ${candidate})
      set(reaper "$<TARGET_FILE:${candidate}>")
    endif()
  endforeach()
  _holdfast_ocf_programs(${name} "" "${root}/${name}-host" "${reaper}")
  set_target_properties(${name}_ocf PROPERTIES OUTPUT_NAME "${ocf_name}"
    RUNTIME_OUTPUT_DIRECTORY "${root}/resource.d/${ocf_provider}")
  set_target_properties(${name}_ocf_host PROPERTIES OUTPUT_NAME "${name}-host" RUNTIME_OUTPUT_DIRECTORY "${root}")
  add_dependencies(${name}_ocf ${name}_ocf_host)
  if(TARGET holdfast_reaper)
    add_dependencies(${name}_ocf holdfast_reaper)
  endif()
endfunction()

function(holdfast_install_ocf_agent name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "EXCLUDE_FROM_ALL" "DESTINATION;PREFIX;COMPONENT" "")
  if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux")
    return()
  endif()
  if(arg_UNPARSED_ARGUMENTS OR NOT TARGET ${name}_ocf)
    message(FATAL_ERROR "holdfast_install_ocf_agent(${name}): unknown argument '${arg_UNPARSED_ARGUMENTS}', or no agent "
      "of holdfast_add_agent(). Usage: holdfast_install_ocf_agent(<name> [DESTINATION <folder>] [PREFIX <path>] "
      "[COMPONENT <name>] [EXCLUDE_FROM_ALL])")
  endif()
  if(NOT arg_DESTINATION)
    set(arg_DESTINATION "lib/ocf/resource.d")
  endif()
  if(NOT arg_PREFIX)
    set(arg_PREFIX "${CMAKE_INSTALL_PREFIX}")
  endif()
  set(component "")
  if(arg_COMPONENT)
    set(component COMPONENT "${arg_COMPONENT}")
  endif()
  set(exclude "")
  if(arg_EXCLUDE_FROM_ALL)
    set(exclude EXCLUDE_FROM_ALL)
  endif()
  set(reaper "")
  foreach(candidate holdfast::reaper holdfast_reaper)
    if(TARGET ${candidate})
      set(reaper ${candidate})
    endif()
  endforeach()
  get_target_property(ocf_name ${name} HOLDFAST_OCF_NAME)
  get_target_property(ocf_provider ${name} HOLDFAST_OCF_PROVIDER)
  set(installed_reaper "")
  if(reaper)
    set(installed_reaper "${arg_PREFIX}/libexec/holdfast/${name}/holdfast-reaper")
  endif()
  _holdfast_ocf_programs(${name} "_installed" "${arg_PREFIX}/lib/holdfast/ocf/${name}-host" "${installed_reaper}")
  # Files are copied, not `install(TARGETS)`: what is linked now is what is installed.
  set_target_properties(${name}_ocf_installed ${name}_ocf_host_installed PROPERTIES BUILD_WITH_INSTALL_RPATH ON
    RUNTIME_OUTPUT_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}/ocf/installed")

  set(rows "$<TARGET_FILE:${name}_ocf_host_installed>|lib/holdfast/ocf|${name}-host")
  if(reaper)
    list(APPEND rows "$<TARGET_FILE:${reaper}>|libexec/holdfast/${name}|holdfast-reaper")
  endif()
  # Last: it runs the others.
  list(APPEND rows "$<TARGET_FILE:${name}_ocf_installed>|${arg_DESTINATION}/${ocf_provider}|${ocf_name}")
  foreach(row IN LISTS rows)
    string(REPLACE "|" ";" row "${row}")
    list(GET row 0 file)
    list(GET row 1 folder)
    list(GET row 2 program)
    if(NOT IS_ABSOLUTE "${folder}")
      string(PREPEND folder "\${CMAKE_INSTALL_PREFIX}/")
    endif()
    # Pacemaker lists no file whose name starts with a dot (L-004).
    install(CODE "
      set(folder \"${folder}\")
      set(program \"${program}\")
      file(INSTALL DESTINATION \"\${folder}\" TYPE PROGRAM RENAME \".\${program}.new\" FILES \"${file}\")
      set(placed \"\$ENV{DESTDIR}\${folder}\")
      if(CMAKE_INSTALL_DO_STRIP)
        execute_process(COMMAND \"${CMAKE_STRIP}\" \"\${placed}/.\${program}.new\" COMMAND_ERROR_IS_FATAL ANY)
      endif()
      file(RENAME \"\${placed}/.\${program}.new\" \"\${placed}/\${program}\")
      list(TRANSFORM CMAKE_INSTALL_MANIFEST_FILES REPLACE \"/\\\\.\${program}\\\\.new\$\" \"/\${program}\")
      " ${component} ${exclude})
  endforeach()
endfunction()
