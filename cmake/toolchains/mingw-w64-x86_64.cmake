# SPDX-License-Identifier: BSL-1.0
# Windows x86-64, cross-compiled with the MinGW-w64 GCC of Debian and Ubuntu.
#   cmake --preset mingw
# The libraries come from the prefix that scripts/setup-windows-cross.sh makes:
#   -DHOLDFAST_MINGW_PREFIX=… (default: $HOLDFAST_CACHE/mingw, else ~/.cache/holdfast/mingw)
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_VERSION 10.0)
set(CMAKE_SYSTEM_PROCESSOR x86_64)

# The posix thread model: the win32 one of GCC 12 has no std::mutex and no std::thread.
set(CMAKE_C_COMPILER   x86_64-w64-mingw32-gcc-posix)
set(CMAKE_CXX_COMPILER x86_64-w64-mingw32-g++-posix)
set(CMAKE_RC_COMPILER  x86_64-w64-mingw32-windres)
find_program(holdfast_mingw_ar     NAMES x86_64-w64-mingw32-gcc-ar-posix REQUIRED NO_CMAKE_FIND_ROOT_PATH)
find_program(holdfast_mingw_ranlib NAMES x86_64-w64-mingw32-gcc-ranlib-posix REQUIRED NO_CMAKE_FIND_ROOT_PATH)
set(CMAKE_AR     "${holdfast_mingw_ar}"     CACHE FILEPATH "")
set(CMAKE_RANLIB "${holdfast_mingw_ranlib}" CACHE FILEPATH "")

if(NOT DEFINED HOLDFAST_MINGW_PREFIX)
  if(DEFINED ENV{HOLDFAST_CACHE})
    set(HOLDFAST_MINGW_PREFIX "$ENV{HOLDFAST_CACHE}/mingw")
  else()
    set(HOLDFAST_MINGW_PREFIX "$ENV{HOME}/.cache/holdfast/mingw")
  endif()
endif()
set(HOLDFAST_MINGW_PREFIX "${HOLDFAST_MINGW_PREFIX}" CACHE PATH "Prefix made by scripts/setup-windows-cross.sh")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES HOLDFAST_MINGW_PREFIX)

# Only this prefix and the cross compiler's own: a header of the build machine must never be found.
set(CMAKE_FIND_ROOT_PATH "${HOLDFAST_MINGW_PREFIX}" /usr/x86_64-w64-mingw32)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# Programs and libraries are self-contained: no compiler runtime has to lie beside them.
set(CMAKE_EXE_LINKER_FLAGS_INIT    "-static")
set(CMAKE_SHARED_LINKER_FLAGS_INIT "-static")
set(CMAKE_MODULE_LINKER_FLAGS_INIT "-static")

# Tests run under Wine where there is one; without, they are compiled and linked.
find_program(holdfast_wine NAMES wine NO_CMAKE_FIND_ROOT_PATH)
if(holdfast_wine)
  get_filename_component(holdfast_scripts "${CMAKE_CURRENT_LIST_DIR}/../../scripts" ABSOLUTE)
  set(CMAKE_CROSSCOMPILING_EMULATOR "${holdfast_scripts}/wine-run")
endif()
