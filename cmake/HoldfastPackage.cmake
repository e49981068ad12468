# SPDX-License-Identifier: BSL-1.0
# Debian packages of the example agents for Pacemaker: `./dev package`, or `cpack -G DEB` in a build folder. They hold
# what is installed under /usr, wherever this build itself would install. The programs come from each example's own
# holdfast_install_ocf_agent(… PREFIX /usr COMPONENT ocf-<name> EXCLUDE_FROM_ALL).
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME holdfast)
set(CPACK_PACKAGE_VENDOR "holdfast")
set(CPACK_PACKAGE_CONTACT "holdfast maintainers <holdfast@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Resource agent for Pacemaker, made with holdfast")
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)   # L-003
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS pacemaker)
set(CPACK_COMPONENTS_ALL "")

# _holdfast_package_ocf_agent(<name> <line of the description>...): the package holdfast-ocf-<name>, if there is that agent.
function(_holdfast_package_ocf_agent name)
  if(NOT TARGET ${name}_ocf_installed)
    return()
  endif()
  set(component "ocf-${name}")
  set(package "holdfast-ocf-${name}")
  set(folder "share/doc/${package}")
  install(FILES "${PROJECT_SOURCE_DIR}/docs/pacemaker.md" "${PROJECT_SOURCE_DIR}/NOTICE" DESTINATION "${folder}"
    COMPONENT ${component} EXCLUDE_FROM_ALL)
  install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${folder}" RENAME copyright
    COMPONENT ${component} EXCLUDE_FROM_ALL)
  string(TOUPPER "${component}" upper)
  list(JOIN ARGN "\n" description)
  set(CPACK_COMPONENTS_ALL "${CPACK_COMPONENTS_ALL};${component}" PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${package} PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_DESCRIPTION "${description}" PARENT_SCOPE)
  add_dependencies(holdfast_packages ${name}_ocf_installed ${name}_ocf_host_installed)
endfunction()

add_custom_target(holdfast_packages COMMAND "${CMAKE_CPACK_COMMAND}" -G DEB -B "${PROJECT_BINARY_DIR}"
  WORKING_DIRECTORY "${PROJECT_BINARY_DIR}" VERBATIM)
if(TARGET holdfast_reaper)
  add_dependencies(holdfast_packages holdfast_reaper)
endif()
_holdfast_package_ocf_agent(application
  "ocf:holdfast:application runs any program: it watches the whole tree of its"
  "processes, tells the cluster at once when it dies, and ends all of it when it"
  "is stopped.")
_holdfast_package_ocf_agent(postgresql
  "ocf:holdfast:postgresql runs a PostgreSQL server as its own user, checks that"
  "it writes and reads, and tells the cluster at once when it dies.")
include(CPack)
