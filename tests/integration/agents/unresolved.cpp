// SPDX-License-Identifier: BSL-1.0
// An agent that was linked without something it needs.
extern "C" int holdfastTestNobodyProvidesThis();
extern "C" __attribute__((visibility("default"))) unsigned Startup() {
    return static_cast<unsigned>(holdfastTestNobodyProvidesThis());
}
