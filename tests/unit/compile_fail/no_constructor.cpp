// SPDX-License-Identifier: BSL-1.0
// expected: the class needs a constructor
#include "../property_fixture.hpp"

struct Other {};

auto make() { return holdfast::ResourceType<fixture::Database, Other>{"T"}.share(); }
