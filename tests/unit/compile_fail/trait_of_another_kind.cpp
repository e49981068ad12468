// SPDX-License-Identifier: BSL-1.0
// expected: range is for integers and durations
#include "../property_fixture.hpp"

auto make() { return fixture::Type{"T"}.property("User", &fixture::Settings::user, holdfast::range(1, 2)).share(); }
