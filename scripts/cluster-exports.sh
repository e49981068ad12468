#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# Writes what the substitute cluster libraries export: src/clusapi/{clusapi,resutils}.def and …_absent.cpp. A library exports
# every name that MinGW's import library knows, or a DLL that imports it could not be loaded at all; what the sources do not
# define becomes a function that says so.
#   scripts/cluster-exports.sh           writes the files
#   scripts/cluster-exports.sh --check   says whether they are as they would be written
set -euo pipefail
export LC_ALL=C
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../src/clusapi"
nm=x86_64-w64-mingw32-nm
library_path=$(x86_64-w64-mingw32-gcc-posix -print-sysroot 2>/dev/null || true)/usr/x86_64-w64-mingw32/lib

# Newer names that a DLL may import and that the import libraries of MinGW do not know yet.
declare -A newer=(
  [clusapi]=''
  [resutils]='ClusWorkerTerminateEx ClusWorkersTerminate ResUtilGetExpandSzValue'
)

# What a caller takes for "no": a null handle or FALSE, an unknown state, else an error code.
result_of() {
  case $1 in
    GetCluster*State) echo -1 ;;
    CreateClusterResourceType | CreateClusterManagementPoint | CreateClusterStorageSpaces*) echo ERROR_CALL_NOT_IMPLEMENTED ;;
    Open* | CreateCluster* | *OpenEnum | *OpenEnumEx | GetClusterFrom* | GetCluster*Key | AddClusterNode | \
      ResUtilGetResourceDependency* | ResUtilGetResourceNameDependency* | ResUtilGetEnvironment*) echo 0 ;;
    Close* | CanResourceBeDependent | GetClusterResourceNetworkName | ClusterGetVolume* | ClusterIs* | *Equal) echo 0 ;;
    *) echo ERROR_CALL_NOT_IMPLEMENTED ;;
  esac
}

write() { # write LIBRARY DIRECTORY
  local library=$1 to=$2 name defined all
  defined=$(sed -nE 's/^(extern "C" )?[A-Za-z_]+ WINAPI (holdfast_)?([A-Z][A-Za-z0-9_]*)\(.*/\2\3/p' "$library"_[!a]*.cpp | sort)
  all=$({ $nm "$library_path/lib$library.a" 2>/dev/null | awk '$2 == "T" { print $3 }'
    # shellcheck disable=SC2086  # lists of words
    printf '%s\n' ${newer[$library]}
    # shellcheck disable=SC2086
    printf '%s\n' $defined | sed 's/^holdfast_//'; } | grep . | sort -u)
  {
    echo '; SPDX-License-Identifier: BSL-1.0'
    echo '; Written by scripts/cluster-exports.sh'
    echo "LIBRARY $library"
    echo EXPORTS
    for name in $all; do
      if grep -qx "$name" <<<"$defined"; then echo "  $name"
      elif grep -qx "holdfast_$name" <<<"$defined"; then echo "  $name = holdfast_$name"
      else echo "  $name = holdfast_absent_$name"; fi
    done
  } >"$to/$library.def"
  {
    echo '// SPDX-License-Identifier: BSL-1.0'
    echo '// Written by scripts/cluster-exports.sh: what is exported and not provided.'
    echo '// clang-format off'
    echo
    echo '#include "absent.hpp"'
    echo
    for name in $all; do
      grep -qxE "(holdfast_)?$name" <<<"$defined" || echo "HOLDFAST_ABSENT($name, $(result_of "$name"))"
    done
  } >"$to/${library}_absent.cpp"
}

case ${1:-} in
  '') for library in clusapi resutils; do write $library .; done ;;
  --check)
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    for library in clusapi resutils; do
      write $library "$work"
      cmp "$work/$library.def" $library.def
      cmp "$work/${library}_absent.cpp" ${library}_absent.cpp
    done
    ;;
  *) echo 'usage: scripts/cluster-exports.sh [--check]' >&2; exit 2 ;;
esac
