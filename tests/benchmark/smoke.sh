#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# Runs the measurement through the C table with very little of everything, and looks whether each row is there.
#   smoke.sh TABLE_BENCHMARK PYTHON
set -euo pipefail
program=$1 python=$2
scripts=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../../scripts" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$program" --counts 2,5 --rounds 3 --repeats 1 --turns 2 --blocked 8 --wedged 2 --kills 2 --settle 100 --idle 1200 --json "$folder/table.json"
"$python" "$scripts/performance.py" collect "$folder/results.json" "$folder/table.json"
"$python" "$scripts/performance.py" show "$folder/results.json"
"$python" "$scripts/performance.py" complete "$folder/results.json"
