# shellcheck shell=bash
# SPDX-License-Identifier: BSL-1.0
