// Package timeline says what time it is on an object whose wall clock may be anything.
//
// A clock is trusted once the kernel says that something has set it (adjtimex; in a sandbox without it systemd-timesyncd's word), and if it says no earlier moment than this object
// has already seen with a trusted one. Until then the object counts from a guess along the machine's monotonic clock: a
// [Keeper] never follows a wall clock that nobody vouches for, so such a clock may jump or stop, and the order of
// readings stays. The stretch of time that was counted so is a [Span]; spans of several boots never overlap, so the time
// of a row alone says from which boot it is. When the clock becomes trusted, the span of that boot learns by how much its
// guess was off, also for what was recorded before.
//
// What is kept between starts: the latest trusted moment (the high-water mark) and the spans. In a boot that has a trusted
// moment the monotonic clock leads and the wall clock corrects it: small steps at once, up to a day when they last for
// ten minutes, larger ones never before the next start.
//
// Caveats: where a guess was ahead of the true time, the object counts the moments in between a second time once the clock
// is trusted; what is recorded then counts as of the span too, and [Span.Error] covers the difference. How long an object
// without a clock was off can't be known; the mark is only the least it can be. A clock that is set by hand counts at the
// next start. Spans beyond [MaxSpans] are forgotten, oldest first: their rows then count as of a trusted clock.
package timeline
