// A value or the reason why there is none. For bad input, which callers report and survive; broken
// invariants are assertions, and failures of the modelled world are data.
#pragma once

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace phoenix {

struct Error {
  std::string message;  // one sentence that names what was found and what is allowed
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}      // NOLINT: implicit on purpose
  Result(Error error) : state_(std::move(error)) {}  // NOLINT: implicit on purpose

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() {
    assert(ok());
    return std::get<0>(state_);
  }
  const T& value() const {
    assert(ok());
    return std::get<0>(state_);
  }
  const std::string& error() const {
    assert(!ok());
    return std::get<1>(state_).message;
  }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, Error> state_;
};

struct Nothing {};
using Status = Result<Nothing>;
inline Status success() { return Nothing{}; }

}  // namespace phoenix
