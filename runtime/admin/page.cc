#include "runtime/admin/page.h"

#include <array>
#include <string_view>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "runtime/admin/page_parts.h"

namespace phoenix::admin {
namespace {

void put(std::string& html, std::string_view mark, std::string_view part) {
  html.replace(html.find(mark), mark.size(), part);
}

// How a policy names an inline script or style.
std::string hash_source(std::string_view part) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(part.data()), part.size(), digest.data());
  std::array<unsigned char, 4 * ((SHA256_DIGEST_LENGTH + 2) / 3) + 1> text;
  const int length = EVP_EncodeBlock(text.data(), digest.data(), SHA256_DIGEST_LENGTH);
  return "'sha256-" +
         std::string(reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(length)) +
         "'";
}

Page make_page() {
  Page page;
  page.html = kPageHtml;
  put(page.html, "/*page.css*/", kPageCss);
  put(page.html, "/*chart.js*/", kChartJs);
  put(page.html, "/*page.js*/", kPageJs);
  page.policy = "default-src 'none'; script-src " + hash_source(kChartJs) + " " +
                hash_source(kPageJs) + "; style-src " + hash_source(kPageCss) +
                "; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
                "frame-ancestors 'none'";
  return page;
}

}  // namespace

const Page& live_page() {
  static const Page page = make_page();
  return page;
}

}  // namespace phoenix::admin
