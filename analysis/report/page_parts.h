// Files that are part of every page, put into the library by cmake.
#pragma once

#include <string_view>

namespace phoenix::report {

extern const std::string_view kPageCss;

}  // namespace phoenix::report
