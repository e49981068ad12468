#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# Installs Debian packages whose services shall not run, now or after a reboot: only their programs are wanted.
#   install-without-services.sh PACKAGE...   (as root)
set -euo pipefail
policy=/usr/sbin/policy-rc.d # asked by each package before it starts a service
units=(corosync corosync-notifyd pacemaker postgresql)
there=()
for unit in "${units[@]}"; do
  if [ -e "/lib/systemd/system/$unit.service" ]; then there+=("$unit"); fi
done
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi
DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y --no-install-recommends "$@"
for unit in "${units[@]}"; do
  case " ${there[*]-} " in *" $unit "*) continue ;; esac # its owner decided about it
  if [ -e "/lib/systemd/system/$unit.service" ] && command -v systemctl >/dev/null; then systemctl disable "$unit" || true; fi
done
