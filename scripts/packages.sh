# shellcheck shell=bash
# SPDX-License-Identifier: BSL-1.0
# Which Debian 12 packages a job needs, and how they are installed; sourced by ./dev.

# shellcheck disable=SC2034  # read by name in install_packages
{
packages_build=(g++ cmake ninja-build ccache xz-utils ca-certificates
  libboost1.81-dev libboost-thread1.81-dev libboost-chrono1.81-dev libboost-system1.81-dev libboost-json1.81-dev
  libboost-context1.81-dev
  libfmt-dev libtomlplusplus-dev libcli11-dev libsqlite3-dev libsqlitecpp-dev sqlite3 libsystemd-dev
  libpq-dev libdw-dev)
packages_test=(systemd dbus postgresql-15   # a systemd and a database server of the tests' own
  libxml2-utils resource-agents dpkg-dev python3)   # xmllint, the DTD of OCF agents, dpkg-shlibdeps; docs/performance.md
packages_cluster=(pacemaker pacemaker-cli-utils corosync resource-agents libxml2-utils iproute2 psmisc procps
  postgresql-15 libpq-dev)     # Pacemaker clusters of the tests' own, in namespaces; none of their services is started
packages_browser=(chromium fonts-dejavu-core)   # the timeline's page is looked at in a browser
packages_windows=(g++-mingw-w64-x86-64-posix wine wine64 clang make perl bzip2)   # the last three build libpq
packages_clang=(clang)
packages_fuzz=(clang llvm libclang-rt-dev)   # libFuzzer and the runtimes of the sanitizers, llvm-cov
packages_lint=(clang clang-tidy clang-format shellcheck)
packages_package=(dpkg-dev libpq-dev)   # dpkg-shlibdeps; the PostgreSQL agent
packages_bench=(libbenchmark-dev python3   # what it is compared with: a shell agent of Pacemaker's and one for PostgreSQL
  pacemaker-resource-agents resource-agents postgresql-15 libpq-dev)
}

on_debian() { command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; }

installed() { # installed PACKAGE
  case $(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null) in ii*) return 0 ;; *) return 1 ;; esac
}

# Installing a PostgreSQL server on Debian also makes a cluster of databases and starts it, unless this file says no.
no_cluster() { # no_cluster COMMAND...: COMMAND makes it root
  local file=/etc/postgresql-common/createcluster.conf
  [ -e "$file" ] && return
  say "No database cluster is made by installing PostgreSQL: $file says so from now on."
  "$@" mkdir -p "${file%/*}"
  echo 'create_main_cluster = false' | "$@" tee "$file" >/dev/null
}

# install_packages YES GROUP...: installs what is missing of packages_GROUP. Says first what that is; stops if
# another package would be removed, unless YES is "yes".
install_packages() {
  local yes=$1 group package missing=() removed size as_root=()
  shift
  if ! on_debian; then
    warn "this is no Debian: nothing is installed, the compilers and libraries must be there (see NOTICE)"
    return
  fi
  for group in "$@"; do
    local -n list="packages_$group"
    for package in "${list[@]}"; do
      installed "$package" || missing+=("$package")
    done
  done
  [ "${#missing[@]}" -gt 0 ] || return 0

  say "Missing packages: ${missing[*]}"
  if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null; then
      as_root=(sudo)
      say "Installing packages needs root, you are $(id -un): sudo is used and may ask for your password."
    else
      die "installing packages needs root, you are $(id -un) and there is no sudo. Let root run:
  apt-get install --no-install-recommends ${missing[*]}"
    fi
  fi
  logged "Updating the package lists" build/log/apt-update.log \
    "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=600 update ||
    warn "the package lists could not be updated; trying with those that are there"

  local simulation
  if ! simulation=$(LC_ALL=C apt-get -s install --no-install-recommends "${missing[@]}" 2>&1); then
    say "$simulation"
    die "these packages cannot be installed here; holdfast's script knows Debian 12 (bookworm)"
  fi
  removed=$(sed -n 's/^Remv \([^ ]*\).*/\1/p' <<<"$simulation" | tr '\n' ' ')
  size=$(LC_ALL=C apt-get install --no-install-recommends --assume-no "${missing[@]}" 2>/dev/null |
    sed -n 's/^\(Need to get .*\|After this operation.*\)$/\1/p' | tr '\n' ' ' || true)
  say "Will install $(grep -c '^Inst ' <<<"$simulation") packages (with what they depend on). ${size:-}"
  if [ -n "$removed" ]; then
    say "Installing them would REMOVE: $removed"
    [ "$yes" = yes ] || die "stopped, nothing was changed. ./dev … --yes goes on and removes them."
  fi
  case " ${missing[*]} " in *' postgresql-15 '*) no_cluster "${as_root[@]}" ;; esac
  logged "Installing" build/log/apt-install.log "${as_root[@]}" scripts/install-without-services.sh "${missing[@]}"
}
