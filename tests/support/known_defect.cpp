// SPDX-License-Identifier: BSL-1.0
/// Does what a sanitizer must find: known_defect leak|overrun|overflow|race
#include <cstdio>
#include <limits>
#include <string_view>
#include <thread>

namespace {

// Volatile, so that no compiler sees what is wrong and leaves it out.
int* volatile kept = nullptr;
volatile int atEnd = 4;
int shared = 0;  // of both threads, and nobody guards it: that is the defect

}  // namespace

int main(int count, char** arguments) {
    const std::string_view defect{count > 1 ? arguments[1] : ""};
    if (defect == "leak") {
        kept = new int[64]{};
        kept = nullptr;
    } else if (defect == "overrun") {
        kept = new int[4]{};
        kept[atEnd] = 1;
        delete[] kept;
    } else if (defect == "overflow") {
        const int most = std::numeric_limits<int>::max() - 4 + atEnd;
        std::printf("%d\n", most + atEnd);
    } else if (defect == "race") {
        std::thread other{[] { ++shared; }};
        ++shared;
        other.join();
    } else {
        return 2;
    }
    return 0;
}
