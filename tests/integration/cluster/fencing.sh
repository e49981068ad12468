# shellcheck shell=bash
# SPDX-License-Identifier: BSL-1.0
# Three nodes, with a power switch as a fencing device; sourced by run.sh.
