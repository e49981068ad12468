#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# The rules of the house that a compiler does not know; run by the tests.
#   scripts/check-house.sh licence|versions|rooms|variables
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
rc=0
complain() { printf '%s\n' "$*"; rc=1; }

ours() { # ours NAME-PATTERN...: the files of the project with these names
  local expression=() pattern
  for pattern in "$@"; do expression+=(-o -name "$pattern"); done
  find . \( -name .git -o -name build -o -path ./tests/fuzz/corpus \) -prune -o -type f \( "${expression[@]:1}" \) -print | sort
}

case ${1:-} in
  licence) # each file says under which licence it stands
    while read -r file; do
      head -n 3 "$file" | grep -q 'SPDX-License-Identifier: BSL-1.0' || complain "$file: no SPDX line in its first three lines"
    done < <(ours '*.hpp' '*.cpp' '*.h' '*.cmake' '*.cmake.in' CMakeLists.txt '*.sh' '*.yml' '*.toml' dev run .clang-format .clang-tidy)
    ;;
  versions) # CMake, vcpkg and the header name the same version
    cmake=$(sed -n 's/^project(holdfast VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
    vcpkg=$(sed -n 's/.*"version-semver": "\(.*\)".*/\1/p' vcpkg.json)
    header=$(sed -n 's/^#define HOLDFAST_VERSION_[A-Z]* \([0-9]*\)$/\1/p' include/holdfast/version.hpp | paste -sd.)
    if [ "$cmake" != "$vcpkg" ] || [ "$cmake" != "$header" ]; then
      complain "versions differ: CMakeLists.txt $cmake, vcpkg.json $vcpkg, version.hpp $header"
    fi
    grep -q "($cmake)\|## $cmake" CHANGELOG.md || complain "CHANGELOG.md does not mention $cmake"
    ;;
  rooms) # dependencies point one way: core <- exec <- adapters, monitor <- cli
    forbid() { # forbid ROOM REGEX WHY [ALLOWED]
      local found
      found=$(grep -rnE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($2)" "include/holdfast/$1" "src/$1" 2>/dev/null |
        grep -v "${4:-^$}" || true)
      [ -z "$found" ] || complain "$found"$'\n'"  $1: $3"
    }
    forbid core 'holdfast/(exec|os|adapters|monitor)/' 'the machines know no other room'
    forbid core 'holdfast/abi/' 'of the C boundary the machines know the types alone' 'holdfast/abi/resapi.hpp'
    forbid core 'thread|mutex|shared_mutex|condition_variable|future|boost/(asio|thread)' 'the machines have no threads and no locks'
    forbid exec 'holdfast/(adapters|monitor)/' 'exec does not know who uses it'
    forbid os 'holdfast/(core|exec|adapters|monitor)/' 'the seams to the system know no other room'
    forbid abi 'holdfast/(exec|adapters|monitor)/' 'the C boundary does not know who uses it'
    forbid adapters 'holdfast/monitor/' 'agents do not know the Resource Monitor'
    ;;
  variables) # L-031: the names that begin with OCF_ are the API's
    found=0
    while IFS=: read -r file name; do
      found=$((found + 1))
      case ${name#\"} in
        OCF_ROOT | OCF_RA_VERSION_MAJOR | OCF_RA_VERSION_MINOR | OCF_RESOURCE_INSTANCE | OCF_RESOURCE_TYPE) ;;
        OCF_RESOURCE_PROVIDER | OCF_CHECK_LEVEL | OCF_RESKEY_*) ;;
        *) complain "$file: $name is none of the API's names, and they are reserved" ;;
      esac
    done < <(grep -rnoE '"OCF_[A-Za-z0-9_]*' include src | sed 's/:[0-9]*:/:/')
    [ "$found" -gt 0 ] || complain "no such name was found at all"
    ;;
  *) echo "usage: scripts/check-house.sh licence|versions|rooms|variables" >&2; exit 2 ;;
esac
exit "$rc"
