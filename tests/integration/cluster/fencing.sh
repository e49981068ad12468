# shellcheck shell=bash
# SPDX-License-Identifier: BSL-1.0
# Three nodes, with a power switch as a fencing device; sourced by run.sh.
# shellcheck disable=SC2154  # `use` sets what is read here

forget_fencing() { : >"$ROOM_DIRECTORY/fence/log"; }
was_fenced() { room fenced | grep -q "^reboot $1 0"; }
all_nodes() { # all are online, as one of them sees it
  [ "$(crm timeout 5 crm_mon -1 --output-as=xml 2>/dev/null | grep -c '<node name=.* online="true"')" = "$(room nodes | wc -l)" ]
}
runs_apart_from() { # runs_apart_from NODE: as the others see it
  local other
  other=$(room live | grep -vx "$1" | head -n 1)
  other=$(on "$other" crm_resource -r database -W -Q 2>/dev/null)
  [ -n "$other" ] && [ "$other" != "$1" ]
}
all_back() { within 60 "all nodes are online again" all_nodes; }

fence_stop_fails() { # A stop that fails: the node is fenced, and only then the database runs elsewhere.
  # L-042
  forget_fencing
  database
  local node type
  node=$(where database)
  type=${agent#ocf:}
  # What is asked to stop it says that it cannot.
  on "$node" mount --bind /bin/false "/usr/lib/ocf/resource.d/${type/://}"
  crm crm_resource -r database --ban -N "$node" >/dev/null 2>&1
  within 30 "$node is fenced" was_fenced "$node"
  within 60 "the database runs elsewhere" elsewhere database "$node"
  counts_again 30
  crm crm_resource -r database --clear >/dev/null 2>&1
  all_back
  settled
}

fence_stop_cannot() { # Neither offline nor terminate ever returns: no success is claimed that is not so, and one copy is left.
  forget_fencing
  stubborn
  local pid node
  pid=$(copy_pid)
  node=$(where stubborn)
  on "$node" touch /run/wedge/offline /run/wedge/terminate
  crm crm_resource -r stubborn --ban -N "$node" >/dev/null 2>&1
  within 60 "it runs elsewhere" another_copy "$pid"
  if was_fenced "$node"; then note "$node was fenced"; else note "it was killed, $node was not fenced"; fi
  crm crm_resource -r stubborn --clear >/dev/null 2>&1
  all_back
  idle
  expect_one_copy stubborn
  for node in $(room nodes); do on "$node" rm -f /run/wedge/offline /run/wedge/terminate; done
  remove stubborn
}

fence_cable_cut() { # The database's node is cut off: it is fenced before the database is started elsewhere.
  forget_fencing
  database
  local node
  node=$(where database)
  room cut-node "$node"
  within 30 "$node is fenced" was_fenced "$node"
  within 60 "the database runs on another node" runs_apart_from "$node"
  counts_again 30
  all_back
  settled
}
