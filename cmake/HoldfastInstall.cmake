# SPDX-License-Identifier: BSL-1.0
include(CMakePackageConfigHelpers)
set(holdfast_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/holdfast")

install(TARGETS holdfast holdfast_service holdfast_testing EXPORT holdfastTargets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
set(holdfast_private_headers PATTERN "monitor" EXCLUDE)
if(TARGET holdfast_monitor)
  set(holdfast_private_headers "")
  set_target_properties(holdfast_monitor PROPERTIES EXPORT_NAME monitor)
  install(TARGETS holdfast_monitor EXPORT holdfastTargets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
endif()
if(TARGET holdfast_cli)
  set_target_properties(holdfast_cli PROPERTIES EXPORT_NAME program)   # holdfast_add_agent() writes scripts with it
  install(TARGETS holdfast_cli EXPORT holdfastTargets RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
if(TARGET holdfast_reaper)
  set_target_properties(holdfast_reaper PROPERTIES EXPORT_NAME reaper)
  install(TARGETS holdfast_reaper EXPORT holdfastTargets RUNTIME DESTINATION "${CMAKE_INSTALL_LIBEXECDIR}/holdfast")
endif()
if(TARGET holdfast_ocf)   # what holdfast_add_agent() links into an agent for Pacemaker
  set_target_properties(holdfast_ocf PROPERTIES EXPORT_NAME ocf)
  set_target_properties(holdfast_ocf_client PROPERTIES EXPORT_NAME ocf_client)
  install(TARGETS holdfast_ocf holdfast_ocf_client EXPORT holdfastTargets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
endif()
if(TARGET holdfast_host)   # started by holdfast, never by hand
  install(TARGETS holdfast_host RUNTIME DESTINATION "${CMAKE_INSTALL_LIBEXECDIR}/holdfast")
endif()
if(TARGET holdfast_stacks)
  install(TARGETS holdfast_stacks RUNTIME DESTINATION "${CMAKE_INSTALL_LIBEXECDIR}/holdfast")
endif()
if(TARGET substitute_clusapi)
  # Beside the host and nowhere else: no other program may take them for the system's. Their import libraries are the compiler's.
  install(FILES $<TARGET_FILE:substitute_clusapi> $<TARGET_FILE:substitute_resutils>
    DESTINATION "${CMAKE_INSTALL_LIBEXECDIR}/holdfast")
endif()
if(MSVC)   # with MinGW the programs contain it
  foreach(program holdfast_cli holdfast_host holdfast_stacks substitute_clusapi substitute_resutils)
    if(TARGET ${program})
      set(folder "${CMAKE_INSTALL_LIBEXECDIR}/holdfast")
      if(program STREQUAL "holdfast_cli")
        set(folder "${CMAKE_INSTALL_BINDIR}")
      endif()
      install(FILES $<TARGET_PDB_FILE:${program}> DESTINATION "${folder}" OPTIONAL)
    endif()
  endforeach()
endif()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/holdfast" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  FILES_MATCHING PATTERN "*.hpp" PATTERN "*.h" ${holdfast_private_headers})
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" "${PROJECT_SOURCE_DIR}/NOTICE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")

install(EXPORT holdfastTargets NAMESPACE holdfast:: DESTINATION "${holdfast_package_dir}")
set(HOLDFAST_HAS_MONITOR OFF)
if(TARGET holdfast_monitor)
  set(HOLDFAST_HAS_MONITOR ON)
endif()
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/holdfastConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/holdfastConfig.cmake" INSTALL_DESTINATION "${holdfast_package_dir}")
# Before 1.0 a minor version may change anything.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/holdfastConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_BINARY_DIR}/holdfastConfig.cmake" "${PROJECT_BINARY_DIR}/holdfastConfigVersion.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/HoldfastAgent.cmake" "${PROJECT_SOURCE_DIR}/cmake/HoldfastVersionResource.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/HoldfastOcf.cmake" "${PROJECT_SOURCE_DIR}/cmake/ocf_launcher.cpp.in"
  "${PROJECT_SOURCE_DIR}/cmake/ocf_host.cpp.in" "${PROJECT_SOURCE_DIR}/cmake/version.rc.in" "${PROJECT_SOURCE_DIR}/cmake/agent.map"
  "${PROJECT_SOURCE_DIR}/cmake/agent.def" DESTINATION "${holdfast_package_dir}")

# Starts the program under a debugger, without a cluster: docs/windows.md.
install(DIRECTORY "${PROJECT_SOURCE_DIR}/share/debug" DESTINATION "${CMAKE_INSTALL_DATADIR}/holdfast")
