// The live page: one HTML document that needs nothing else, and the policy that keeps browsers from
// running or loading anything but what is in it.
#pragma once

#include <string>

namespace phoenix::admin {

struct Page {
  std::string html;
  std::string policy;  // of the header Content-Security-Policy
};

// Made at the first call. One thread at a time.
const Page& live_page();

}  // namespace phoenix::admin
