package wire

// keys is a set of map keys below 32.
type keys uint32

func keySet(ks ...uint) keys {
	var s keys
	for _, k := range ks {
		s |= 1 << k
	}
	return s
}

// readMessage reads the map every payload consists of: version first, keys in
// order, required ones present, optional ones allowed, unknown ones from 32 on
// skipped. It hands each key to field, which reads its value.
func readMessage(data []byte, required, optional keys, field func(r *reader, key uint) error) error {
	r := &reader{data: data}
	if len(data) > MaxMessage {
		return r.fail(ErrLimit, "more than %d bytes", MaxMessage)
	}
	n, err := r.want(majorMap, "a map")
	if err != nil {
		return err
	}
	if n > maxPairs {
		return r.fail(ErrLimit, "more than %d keys", maxPairs)
	}
	var seen keys
	last := int64(-1)
	for ; n > 0; n-- {
		at := r.pos
		key, err := r.uint(1<<31 - 1)
		if err != nil {
			return err
		}
		if int64(key) <= last {
			r.pos = at
			return r.fail(ErrForm, "keys are not in order")
		}
		if last < 0 && key != 0 {
			r.pos = at
			return r.fail(ErrMissingKey, "the version comes first")
		}
		last = int64(key)
		if err := readPair(r, key, required|optional, field); err != nil {
			return inN(err, "key", int(last))
		}
		if key < 32 {
			seen |= 1 << key
		}
	}
	if missing := required &^ seen; missing != 0 || seen&1 == 0 {
		return r.fail(ErrMissingKey, "keys %v", missing.list(seen))
	}
	if r.left() > 0 {
		return r.fail(ErrTrailing, "%d bytes after the message", r.left())
	}
	return nil
}

func readPair(r *reader, key uint64, known keys, field func(*reader, uint) error) error {
	switch {
	case key == 0:
		at := r.pos
		v, err := r.uint(1<<63 - 1)
		if err != nil {
			return err
		}
		if v != Version {
			r.pos = at
			return r.fail(ErrVersion, "version %d, this decoder knows %d", v, Version)
		}
		return nil
	case key >= 32:
		return r.skip(0)
	case known&(1<<key) == 0:
		return r.fail(ErrUnknownKey, "keys below 32 are reserved")
	}
	return field(r, uint(key))
}

func (s keys) list(seen keys) []int {
	var ks []int
	if seen&1 == 0 {
		ks = append(ks, 0)
	}
	for k := 1; k < 32; k++ {
		if s&(1<<k) != 0 {
			ks = append(ks, k)
		}
	}
	return ks
}
