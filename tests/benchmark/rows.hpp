// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What every benchmark writes: a file of rows, each a figure or a distribution. scripts/performance.py reads them.

#include <boost/json.hpp>

#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

/** What a row is about. `resources` 0: not a question of how many. */
struct Key {
    std::string what;     ///< such as "isAlive"
    std::string subject;  ///< such as "holdfast"
    std::size_t resources{0};
};

/** @par Thread safety One owner. */
class Rows {
public:
    /** Every sample, so that rounds of several processes can be put together before anything is said of them. */
    void samples(const Key& key, std::string_view unit, const std::vector<double>& samples) {
        boost::json::object row = start(key, unit);
        row["samples"] = boost::json::array(samples.begin(), samples.end());
        rows_.push_back(std::move(row));
    }
    void value(const Key& key, std::string_view unit, double value) {
        boost::json::object row = start(key, unit);
        row["value"] = value;
        rows_.push_back(std::move(row));
    }
    /** Something that could not be measured, and why. */
    void stopped(const Key& key, std::string_view why) {
        boost::json::object row = start(key, "");
        row["stopped"] = why;
        rows_.push_back(std::move(row));
    }
    void append(const boost::json::array& more) { rows_.insert(rows_.end(), more.begin(), more.end()); }
    [[nodiscard]] const boost::json::array& all() const noexcept { return rows_; }

    void write(const std::string& file) const {
        std::ofstream out{file};
        out << boost::json::serialize(boost::json::object{{"rows", rows_}}) << '\n';
        if (!out.flush()) throw std::runtime_error{"cannot write " + file};
    }

private:
    static boost::json::object start(const Key& key, std::string_view unit) {
        boost::json::object row{{"what", key.what}, {"subject", key.subject}};
        if (key.resources != 0) row["resources"] = key.resources;
        row["unit"] = unit;
        return row;
    }
    boost::json::array rows_;
};

}  // namespace bench
