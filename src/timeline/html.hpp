// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "timeline/model.hpp"

#include <string>

namespace holdfast::inline v1::timeline {

/** The model as a page that needs no other file and no network; its policy forbids both. */
[[nodiscard]] std::string toHtml(const Model& model, std::string_view title);

/** What the page's script draws; see page/model.js for the fields. No '<' in it ends a script. */
[[nodiscard]] std::string toPageJson(const Model& model, std::string_view title);

}  // namespace holdfast::inline v1::timeline
