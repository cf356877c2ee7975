#include "runtime/gateway/recorder_files.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string_view>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "scenarios/record_lock.h"

namespace phoenix::gateway {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPart = ".part";
constexpr std::string_view kDated = "ddddddddTdddddd";  // d: a digit
constexpr std::string_view kNumbered = "-dd";

std::string stem_of(const std::string& path) { return fs::path(path).replace_extension().string(); }

bool matches(std::string_view text, std::string_view form) {
  return text.size() == form.size() &&
         std::equal(text.begin(), text.end(), form.begin(), [](char c, char wanted) {
           return wanted == 'd' ? std::isdigit(static_cast<unsigned char>(c)) != 0 : c == wanted;
         });
}

// Between stem and ending; empty: not a record of this path.
std::string_view date_of(std::string_view name, std::string_view stem, std::string_view ending) {
  if (!name.starts_with(stem) || !name.ends_with(ending)) return "";
  if (name.size() < stem.size() + 1 + kDated.size() + ending.size()) return "";
  const std::string_view date =
      name.substr(stem.size() + 1, name.size() - stem.size() - 1 - ending.size());
  const bool is_one =
      name[stem.size()] == '-' && matches(date.substr(0, kDated.size()), kDated) &&
      (date.size() == kDated.size() || matches(date.substr(kDated.size()), kNumbered));
  return is_one ? date : "";
}

std::vector<fs::path> oldest_first(const fs::path& folder, const std::string& stem,
                                   const std::string& ending) {
  std::vector<std::pair<std::string, fs::path>> dated;
  std::error_code ignored;
  for (fs::directory_iterator at(folder, ignored), end; at != end; at.increment(ignored)) {
    const std::string name = at->path().filename();
    const std::string_view date = date_of(name, stem, ending);
    if (!date.empty()) dated.emplace_back(date, at->path());
  }
  std::sort(dated.begin(), dated.end());
  std::vector<fs::path> files;
  for (auto& [date, file] : dated) files.push_back(std::move(file));
  return files;
}

void remove_all_but(std::vector<fs::path> files, std::size_t keep, std::string_view suffix) {
  std::error_code ignored;
  for (std::size_t i = 0; i + keep < files.size(); ++i) {
    const std::string file = files[i].string();
    const std::string record = file.substr(0, file.size() - suffix.size());
    if (RecordLock::is_held(record)) continue;
    fs::remove(file, ignored);
    fs::remove(record + ".lock", ignored);
  }
}

}  // namespace

std::string new_record_path(const std::string& path, std::chrono::system_clock::time_point now) {
  const std::string first = fmt::format("{}-{:%Y%m%dT%H%M%S}", stem_of(path),
                                        fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
  const std::string ending = fs::path(path).extension();
  std::string made = first + ending;
  std::error_code ignored;
  for (int number = 2; fs::exists(made, ignored) || fs::exists(made + std::string(kPart), ignored);
       ++number) {
    made = fmt::format("{}-{:02}{}", first, number, ending);
  }
  return made;
}

void remove_old_records(const std::string& path, int keep) {
  const fs::path parent = fs::path(path).parent_path();
  const fs::path folder = parent.empty() ? "." : parent;
  const std::string stem = fs::path(stem_of(path)).filename();
  const std::string ending = fs::path(path).extension();
  const auto most = static_cast<std::size_t>(keep);
  remove_all_but(oldest_first(folder, stem, ending), most, "");
  remove_all_but(oldest_first(folder, stem, ending + std::string(kPart)), most, kPart);
}

}  // namespace phoenix::gateway
