# SPDX-License-Identifier: BSL-1.0
# The OCF agent that holdfast_add_agent(<name> …) makes on Linux beside the library:
#
#   <binary dir>/ocf/resource.d/<provider>/<ocf name>   the launcher: a static program without the author's code
#   <binary dir>/ocf/<name>-host                        the host program: the author's code, resident while a resource runs
#
# Both know where they lie; for other places see holdfast_install_ocf_agent().

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
    configure_file("${_holdfast_ocf_dir}/ocf_${part}.cpp.in" "${generated}/${part}.in.cpp" @ONLY)
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

set(_holdfast_ocf_dir "${CMAKE_CURRENT_LIST_DIR}")

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
