// The files of the live page, put into the program by the build (see phoenix_embed). Static text.
#pragma once

#include <string_view>

namespace phoenix::admin {

extern const std::string_view kPageHtml, kPageCss, kPageJs;
extern const std::string_view kChartJs;  // Chart.js, as Debian has it

}  // namespace phoenix::admin
