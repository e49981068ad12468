#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# Makes the prefix with what holdfast needs to be cross-compiled for Windows x86-64: Boost headers and a static
# Boost.Thread and Boost.JSON, fmt, toml++ and CLI11 (headers), Catch2 v3, SQLite and SQLiteCpp, and a static libpq (for the
# examples).
# Sources: Debian's own packages and source packages.
#   scripts/setup-windows-cross.sh PREFIX
# Needs g++-mingw-w64-x86-64-posix, libboost1.81-dev, libfmt-dev, libtomlplusplus-dev, libcli11-dev, cmake, ninja-build,
# make, perl, bzip2, xz-utils (./dev installs them).
# A second run with the same PREFIX does nothing.
set -euo pipefail
here=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/common.sh
. "$here/common.sh"

prefix=$(realpath -m "${1:?usage: setup-windows-cross.sh PREFIX}")
boost=1.81                       # the version of the headers in /usr/include/boost
compiler=x86_64-w64-mingw32-g++-posix
archiver=x86_64-w64-mingw32-gcc-ar-posix
edition=4                        # of what this script makes: a prefix of an older one is brought up to date
[ "$(cat "$prefix/.complete" 2>/dev/null)" != "$edition" ] || exit 0
rm -rf "$prefix/.complete" "$prefix/lib/cmake/SQLiteCpp"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$prefix"/{include,lib/cmake/Boost,lib/cmake/fmt}

# --- Boost: the headers by symlink, Boost.Thread from its five Windows files ------------------------------------
# Only these folders are linked: /usr/include itself must never be searched by the cross compiler.
ln -sfn /usr/include/boost "$prefix/include/boost"
ln -sfn /usr/include/fmt "$prefix/include/fmt"
ln -sfn /usr/include/toml++ "$prefix/include/toml++"
ln -sfn /usr/include/CLI "$prefix/include/CLI"

if ! [ -e "$prefix/lib/libboost_thread.a" ]; then
  say "Boost.Thread $boost"
  debian_source bookworm "boost$boost" "$work/boost-source"
  mkdir -p "$work/thread"
  tar -xJf "$work/boost-source"/boost${boost}_*.orig.tar.xz -C "$work/thread" --strip-components=4 \
    --wildcards 'boost/libs/thread/src/*'
  rm -rf "$work/boost-source"
  cd "$work/thread"
  objects=()
  for file in future win32/thread win32/thread_primitives win32/tss_dll win32/tss_pe; do
    object=$(basename "$file").o
    say "  $file.cpp"
    "$compiler" -std=gnu++20 -O2 -DNDEBUG -isystem "$prefix/include" -DBOOST_THREAD_BUILD_LIB \
      -DBOOST_CHRONO_HEADER_ONLY -DBOOST_ALL_NO_LIB -DWIN32_LEAN_AND_MEAN -DBOOST_USE_WINDOWS_H \
      -D_WIN32_WINNT=0x0A00 -c "$file.cpp" -o "$object"
    objects+=("$object")
  done
  "$archiver" rcs libboost_thread.a "${objects[@]}"
  mv libboost_thread.a "$prefix/lib/"
  cd "$here"
fi

if ! [ -e "$prefix/lib/libboost_json.a" ]; then
  say "Boost.JSON $boost"
  printf '#include <boost/json/src.hpp>\n' >"$work/json.cpp"
  "$compiler" -std=c++20 -O2 -DNDEBUG -isystem "$prefix/include" -D_WIN32_WINNT=0x0A00 -c "$work/json.cpp" -o "$work/json.o"
  "$archiver" rcs "$work/libboost_json.a" "$work/json.o"
  mv "$work/libboost_json.a" "$prefix/lib/"
fi

# The packages find_package(Boost) and find_package(fmt) find, with the target names of the real ones.
version_file() { # version_file VERSION FILE
  cat >"$2" <<END
set(PACKAGE_VERSION "$1")
if(PACKAGE_VERSION VERSION_LESS PACKAGE_FIND_VERSION)
  set(PACKAGE_VERSION_COMPATIBLE FALSE)
else()
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
endif()
END
}
number=$(sed -n 's/^#define BOOST_VERSION \([0-9]*\).*/\1/p' /usr/include/boost/version.hpp)
version_file $((number / 100000)).$((number / 100 % 1000)).$((number % 100)) "$prefix/lib/cmake/Boost/BoostConfigVersion.cmake"
number=$(sed -n 's/^#define FMT_VERSION \([0-9]*\).*/\1/p' /usr/include/fmt/core.h)
version_file $((number / 10000)).$((number / 100 % 100)).$((number % 100)) "$prefix/lib/cmake/fmt/fmt-config-version.cmake"

cat >"$prefix/lib/cmake/Boost/BoostConfig.cmake" <<'END'
get_filename_component(prefix_ "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET Boost::headers)
  add_library(Boost::headers INTERFACE IMPORTED)
  set_target_properties(Boost::headers PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${prefix_}/include"
    INTERFACE_COMPILE_DEFINITIONS "BOOST_ALL_NO_LIB;BOOST_CHRONO_HEADER_ONLY"
    INTERFACE_LINK_LIBRARIES "ws2_32;mswsock;bcrypt")
  foreach(component_ boost system chrono atomic)   # header-only here
    add_library(Boost::${component_} INTERFACE IMPORTED)
    set_target_properties(Boost::${component_} PROPERTIES INTERFACE_LINK_LIBRARIES Boost::headers)
  endforeach()
  add_library(Boost::thread STATIC IMPORTED)
  set_target_properties(Boost::thread PROPERTIES IMPORTED_LOCATION "${prefix_}/lib/libboost_thread.a"
    INTERFACE_LINK_LIBRARIES Boost::headers)
  add_library(Boost::json STATIC IMPORTED)
  set_target_properties(Boost::json PROPERTIES IMPORTED_LOCATION "${prefix_}/lib/libboost_json.a"
    INTERFACE_LINK_LIBRARIES Boost::headers)
endif()
set(Boost_INCLUDE_DIRS "${prefix_}/include")
foreach(component_ IN LISTS Boost_FIND_COMPONENTS)
  if(TARGET Boost::${component_})
    set(Boost_${component_}_FOUND TRUE)
  elseif(Boost_FIND_REQUIRED_${component_})
    set(Boost_FOUND FALSE)
    set(Boost_NOT_FOUND_MESSAGE "the cross-compile prefix has no Boost.${component_}")
  endif()
endforeach()
END
cat >"$prefix/lib/cmake/fmt/fmt-config.cmake" <<'END'
get_filename_component(prefix_ "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET fmt::fmt)
  add_library(fmt::fmt-header-only INTERFACE IMPORTED)
  set_target_properties(fmt::fmt-header-only PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${prefix_}/include"
    INTERFACE_COMPILE_DEFINITIONS FMT_HEADER_ONLY=1)
  add_library(fmt::fmt INTERFACE IMPORTED)   # the name of the compiled one, so that nobody has to ask
  set_target_properties(fmt::fmt PROPERTIES INTERFACE_LINK_LIBRARIES fmt::fmt-header-only)
endif()
END

mkdir -p "$prefix"/lib/cmake/{tomlplusplus,CLI11}
cat >"$prefix/lib/cmake/tomlplusplus/tomlplusplusConfig.cmake" <<'END'
get_filename_component(prefix_ "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET tomlplusplus::tomlplusplus)
  add_library(tomlplusplus::tomlplusplus INTERFACE IMPORTED)
  # Header-only: the archive in Debian's package is for Linux.
  set_target_properties(tomlplusplus::tomlplusplus PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${prefix_}/include"
    INTERFACE_COMPILE_DEFINITIONS TOML_HEADER_ONLY=1)
endif()
END
cat >"$prefix/lib/cmake/CLI11/CLI11Config.cmake" <<'END'
get_filename_component(prefix_ "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET CLI11::CLI11)
  add_library(CLI11::CLI11 INTERFACE IMPORTED)
  set_target_properties(CLI11::CLI11 PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${prefix_}/include")
endif()
END

# --- Catch2 v3 ---------------------------------------------------------------------------------------------------
if ! [ -e "$prefix/lib/libCatch2.a" ]; then
  say "Catch2"
  "$here/setup-catch2.sh" "$work/catch2" -DCMAKE_TOOLCHAIN_FILE="$here/../cmake/toolchains/mingw-w64-x86_64.cmake" \
    -DHOLDFAST_MINGW_PREFIX="$prefix"
  cp -r "$work/catch2"/{include,lib} "$prefix/"
fi

# --- SQLite and SQLiteCpp: the source package of SQLiteCpp carries both -------------------------------------------
if ! [ -e "$prefix/lib/cmake/SQLiteCpp/SQLiteCppConfig.cmake" ]; then
  say "SQLiteCpp and SQLite"
  debian_source bookworm sqlitecpp "$work/sqlite-source"
  mkdir -p "$work/sqlitecpp"
  tar -xzf "$work/sqlite-source"/sqlitecpp_*.orig.tar.gz -C "$work/sqlitecpp" --strip-components=1
  cmake -S "$work/sqlitecpp" -B "$work/sqlitecpp/build" -G Ninja -DCMAKE_BUILD_TYPE=MinSizeRel \
    -DCMAKE_TOOLCHAIN_FILE="$here/../cmake/toolchains/mingw-w64-x86_64.cmake" -DHOLDFAST_MINGW_PREFIX="$prefix" \
    -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib -DSQLITECPP_INTERNAL_SQLITE=ON \
    -DSQLITECPP_RUN_CPPLINT=OFF -DSQLITECPP_RUN_CPPCHECK=OFF -DSQLITECPP_BUILD_EXAMPLES=OFF -DSQLITECPP_BUILD_TESTS=OFF
  cmake --build "$work/sqlitecpp/build" --target install
fi

# --- libpq: PostgreSQL's client library and what it needs of PostgreSQL, in one archive ----------------------------
if ! [ -e "$prefix/lib/libpq.a" ]; then
  say "libpq"
  debian_source bookworm postgresql-15 "$work/postgresql-source"
  mkdir -p "$work/postgresql"
  tar -xjf "$work/postgresql-source"/postgresql-15_*.orig.tar.bz2 -C "$work/postgresql" --strip-components=1
  rm -rf "$work/postgresql-source"
  cd "$work/postgresql"
  CC=x86_64-w64-mingw32-gcc-posix AR=$archiver CFLAGS=-Os ./configure --quiet --host=x86_64-w64-mingw32 \
    --without-readline --without-zlib
  make --silent -C src/interfaces/libpq all-static-lib   # makes a DLL and its import library; the objects are what counts
  for part in src/common/libpgcommon_shlib.a src/port/libpgport_shlib.a; do
    mkdir -p "objects/$(basename "$part" .a)"
    (cd "objects/$(basename "$part" .a)" && "$archiver" x "$work/postgresql/$part")
  done
  rm -f src/interfaces/libpq/win32ver.o
  "$archiver" rcs "$work/libpq.a" src/interfaces/libpq/*.o objects/*/*.o
  # It has six functions of a pthread library of its own, which would clash with the compiler's.
  x86_64-w64-mingw32-nm --defined-only src/interfaces/libpq/pthread-win32.o |
    sed -n 's/.* T \(pthread_.*\)/\1 libpq_\1/p' >"$work/renamed"
  x86_64-w64-mingw32-objcopy --redefine-syms="$work/renamed" "$work/libpq.a"
  cp src/interfaces/libpq/libpq-fe.h src/include/postgres_ext.h src/include/pg_config_ext.h "$prefix/include/"
  mv "$work/libpq.a" "$prefix/lib/"
  cd "$here"
fi
echo "$edition" >"$prefix/.complete"
