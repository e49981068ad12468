// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>

namespace holdfast::inline v1::exec {

/** The serial queue of one resource on the strand pool; only framework code runs on it. */
class Strand {
public:
    explicit Strand(boost::asio::io_context& pool) : executor_{boost::asio::make_strand(pool)} {}
    [[nodiscard]] const boost::asio::strand<boost::asio::io_context::executor_type>& executor() const noexcept {
        return executor_;
    }

private:
    boost::asio::strand<boost::asio::io_context::executor_type> executor_;
};

}  // namespace holdfast::inline v1::exec
