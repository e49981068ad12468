# SPDX-License-Identifier: BSL-1.0
# Installs the build in BUILD into PREFIX, from nothing: what an earlier run left must not help.
file(REMOVE_RECURSE "${PREFIX}")
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${PREFIX}" COMMAND_ERROR_IS_FATAL ANY)
