// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string_view>

namespace holdfast::inline v1::timeline {

/** A file of src/timeline/page, as it was when the build was configured. */
struct PagePart {
    std::string_view text;
    std::string_view sha256;  ///< in hexadecimal
};

extern const PagePart pageFrame;     ///< page.html
extern const PagePart pageStyle;     ///< page.css
extern const PagePart pageScript;    ///< the files of the script, in their order
extern const PagePart pictureStyle;  ///< picture.css

}  // namespace holdfast::inline v1::timeline
