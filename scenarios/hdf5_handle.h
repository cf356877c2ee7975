// HDF5 objects that close themselves, HDF5's errors as one sentence, and attributes. Shared by the
// writer and the reader of records; nobody else touches HDF5.
//
// The serial library is not thread safe: one thread in the process at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <hdf5.h>

namespace phoenix {

class Hdf5Handle {
 public:
  using Closer = herr_t (*)(hid_t);

  Hdf5Handle() = default;
  Hdf5Handle(hid_t id, Closer closer) : id_(id), closer_(closer) {}
  Hdf5Handle(Hdf5Handle&& other) noexcept
      : id_(std::exchange(other.id_, H5I_INVALID_HID)), closer_(other.closer_) {}
  Hdf5Handle& operator=(Hdf5Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(closer_, other.closer_);
    return *this;
  }
  ~Hdf5Handle() { close(); }

  explicit operator bool() const { return id_ >= 0; }
  operator hid_t() const { return id_; }  // NOLINT: every HDF5 call takes one

  // Forgets the object without closing it: it stays open in the library until the process ends.
  void abandon() { id_ = H5I_INVALID_HID; }

  // False where the library could not close it, which for a file means that data may be missing.
  bool close() {
    const hid_t id = std::exchange(id_, H5I_INVALID_HID);
    return id < 0 || closer_(id) >= 0;
  }

 private:
  hid_t id_ = H5I_INVALID_HID;
  Closer closer_ = nullptr;
};

// Makes HDF5 keep its errors for hdf5_reason() instead of printing them, and stops it from closing
// at exit what a full disk did not let close. Called before anything else, any number of times.
void prepare_hdf5();

// Why the last call that failed did: the operating system's words if it had a say, else the
// library's.
std::string hdf5_reason();

// A null-padded UTF-8 type of `bytes` >= 1 bytes.
Hdf5Handle text_type(std::size_t bytes);

// Attributes. Writing creates; false where the library refused. Texts must stay below 64 KiB.
bool write_attribute(hid_t object, const char* name, std::string_view text);
bool write_attribute(hid_t object, const char* name, std::int32_t value);
bool write_attribute(hid_t object, const char* name, std::int64_t value);
bool write_attribute(hid_t object, const char* name, std::uint64_t value);
bool write_attribute(hid_t object, const char* name, double value);
// Rewriting keeps the type the attribute was created with.
bool rewrite_attribute(hid_t object, const char* name, std::int64_t value);

// Nothing where the attribute is missing or of another kind.
std::optional<std::string> read_text_attribute(hid_t object, const char* name);
std::optional<std::int64_t> read_integer_attribute(hid_t object, const char* name);
std::optional<std::uint64_t> read_unsigned_attribute(hid_t object, const char* name);
std::optional<double> read_number_attribute(hid_t object, const char* name);

}  // namespace phoenix
