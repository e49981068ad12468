#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# Whether descriptions of OCF agents are valid (L-099): against the DTD of the package resource-agents, which is
# ocf-tester's too, and against the OCF 1.1 schema. Each is an agent, which is asked for it, or a file *.xml.
#   scripts/check-ocf-metadata.sh AGENT-OR-FILE...
# Exit status 77 if what checks it is not there.
set -euo pipefail
here=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
[ $# -gt 0 ] || { echo "usage: check-ocf-metadata.sh AGENT-OR-FILE..." >&2; exit 2; }

skip() { echo "not checked: $1" >&2; exit 77; }
dtd=/usr/share/resource-agents/ra-api-1.dtd
command -v xmllint >/dev/null || skip "there is no xmllint (package libxml2-utils)"
[ -e "$dtd" ] || skip "there is no $dtd (package resource-agents)"
schema=$("$here/ocf-schema.sh") || skip "there is no OCF schema"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
bad=0
wrong() { echo "$1" >&2; bad=1; }
for subject in "$@"; do
  case $subject in
    *.xml) cp "$subject" "$scratch/metadata.xml" ;;
    *)
      # L-09B: without a cluster, a parameter or much of an environment; and nothing but the document.
      env -i OCF_ROOT=/usr/lib/ocf PATH="$PATH" timeout 20 "$subject" meta-data \
        >"$scratch/metadata.xml" 2>"$scratch/complaint" </dev/null ||
        wrong "$subject: meta-data ended with $?"
      [ ! -s "$scratch/complaint" ] || wrong "$subject: meta-data complains: $(head -c 300 "$scratch/complaint")"
      ;;
  esac
  (cd "$(dirname "$dtd")" && xmllint --nonet --noout --valid - <"$scratch/metadata.xml") ||
    wrong "$subject: not valid against the DTD"
  xmllint --nonet --nowarning --noout --relaxng "$schema" - <"$scratch/metadata.xml" 2>"$scratch/complaint" ||
    wrong "$subject: not valid against OCF 1.1: $(head -c 600 "$scratch/complaint")"
  count() { xmllint --nonet --xpath "count($1)" - <"$scratch/metadata.xml" 2>/dev/null || true; }
  # L-091, L-096: what no schema checks.
  [ "$(count '/resource-agent/version[.="1.1"]')" = 1 ] || wrong "$subject: it does not say version 1.1"
  [ "$(count '//parameter[@required="1"]/content[@default]')" = 0 ] ||
    wrong "$subject: a required parameter has a default"
done
exit "$bad"
