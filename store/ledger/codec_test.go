package ledger

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"runtime"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"pgregory.net/rapid"
)

// oracle is a general CBOR package, told to be as strict as ours. It knows the types by their tags only.
type oracle struct {
	enc cbor.EncMode
	dec cbor.DecMode
}

func newOracle(t testing.TB) oracle {
	t.Helper()
	enc, err := cbor.CoreDetEncOptions().EncMode()
	must(t, err)
	dec, err := cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		MaxNestedLevels:   8,
		MaxArrayElements:  maxList,
		MaxMapPairs:       64,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		UTF8:              cbor.UTF8RejectInvalid,
	}.DecMode()
	must(t, err)
	return oracle{enc, dec}
}

// decode takes what it would have written itself.
func (o oracle) decode(b []byte, v any) bool {
	if o.dec.Unmarshal(b, v) != nil {
		return false
	}
	again, err := o.enc.Marshal(v)
	return err == nil && bytes.Equal(again, b)
}

// stored are the types of the file and the export, each with a generator of values.
func stored() []storedType {
	return []storedType{typed[entry](), typed[body](), typed[cutTail](), typed[storedStream](), typed[context](), typed[storedTotal](),
		typed[exportItem](), typed[exportHead](), typed[Party](), typed[Item](), typed[Answer]()}
}

type storedType struct {
	name  string
	empty func() mapping
	draw  func(*rapid.T) mapping
}

func typed[T any, P interface {
	*T
	mapping
}]() storedType {
	values := rapid.Make[T]()
	return storedType{reflect.TypeFor[T]().Name(), func() mapping { return P(new(T)) }, func(t *rapid.T) mapping {
		v := values.Draw(t, "value")
		empties(t, reflect.ValueOf(&v).Elem())
		return P(&v)
	}}
}

// empties makes some fields empty, which random values seldom are.
func empties(t *rapid.T, v reflect.Value) {
	for i := range v.NumField() {
		if rapid.Bool().Draw(t, "empty") {
			v.Field(i).SetZero()
		} else if f := v.Field(i); f.Kind() == reflect.Struct {
			empties(t, f)
		}
	}
}

func TestEveryStoredTypeIsWrittenAndReadAsAGeneralPackageDoes(t *testing.T) {
	o := newOracle(t)
	for _, s := range stored() {
		t.Run(s.name, rapid.MakeCheck(func(t *rapid.T) {
			v := s.draw(t)
			want, err := o.enc.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			got, err := encode(v)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%+v is\n%x, %v, want\n%x", v, got, err, want)
			}
			ours, theirs := s.empty(), s.empty()
			if err := decode(got, ours); err != nil || !o.decode(got, theirs) || !reflect.DeepEqual(ours, theirs) {
				t.Fatalf("%x is\n%+v, %v, want\n%+v", got, ours, err, theirs)
			}
			again, err := encode(ours)
			if err != nil || !bytes.Equal(again, got) {
				t.Fatalf("%x became %x, %v", got, again, err)
			}
			for n := range got {
				if decode(got[:n], s.empty()) == nil {
					t.Fatalf("%x was taken, which is cut", got[:n])
				}
			}
			if decode(append(got, 0), s.empty()) == nil {
				t.Fatal("a byte behind the end was taken")
			}
		}))
	}
}

// same says whether both read the same from b, or both refuse it.
func (o oracle) same(t interface{ Fatalf(string, ...any) }, s storedType, b []byte) {
	ours, theirs := s.empty(), s.empty()
	err, ok := decode(b, ours), o.decode(b, theirs)
	if (err == nil) != ok {
		t.Fatalf("%s %x: %v, the other takes it: %t", s.name, b, err, ok)
	}
	if ok && !reflect.DeepEqual(ours, theirs) {
		t.Fatalf("%s %x: %+v, want %+v", s.name, b, ours, theirs)
	}
}

func TestChangedBytesAreTakenAsAGeneralPackageTakesThem(t *testing.T) {
	o := newOracle(t)
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(stored()).Draw(t, "type")
		b, err := encode(s.draw(t))
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			at := rapid.IntRange(0, len(b)).Draw(t, "at")
			c := rapid.SampledFrom([]byte{0, 1, 0x17, 0x18, 0x19, 0x1b, 0x20, 0x3b, 0x40, 0x5f, 0x60, 0x80, 0x9f, 0xa0, 0xa1, 0xbf, 0xf4, 0xf5, 0xf6, 0xff}).Draw(t, "byte")
			switch end := min(at+1, len(b)); rapid.IntRange(0, 2).Draw(t, "how") {
			case 0:
				b = bytes.Join([][]byte{b[:at], {c}, b[at:]}, nil)
			case 1:
				b = bytes.Join([][]byte{b[:at], {c}, b[end:]}, nil)
			case 2:
				b = bytes.Join([][]byte{b[:at], b[end:]}, nil)
			}
		}
		o.same(t, s, b)
	})
}

func FuzzDecodeStored(f *testing.F) {
	types := stored()
	for i, s := range types {
		b, err := encode(s.empty())
		must(f, err)
		f.Add(uint8(i), b)
	}
	a := answerTo("trends", start)
	a.Items = []Item{{Field: "hall.temperature", Class: "environment", Special: true}}
	b, err := encode(&body{Text: "text", Answer: &a, Erased: []uint64{1, 1 << 40}, Cut: &cutTail{Count: 5}})
	must(f, err)
	f.Add(uint8(1), b)
	o := newOracle(f)
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		o.same(t, types[int(which)%len(types)], data)
	})
}

func TestOnlyOneFormIsTaken(t *testing.T) {
	good := []byte("\xa2\x01\x62ab\x02\x62cd")
	must(t, decode(good, new(Party)))
	for name, b := range map[string]string{
		"nothing":                       "",
		"null":                          "\xf6",
		"another type":                  "\x82\x01\x02",
		"null for a text":               "\xa1\x01\xf6",
		"undefined for a text":          "\xa1\x01\xf7",
		"bytes for a text":              "\xa1\x01\x42ab",
		"the same key twice":            "\xa2\x01\x62ab\x01\x62ab",
		"keys out of order":             "\xa2\x02\x62cd\x01\x62ab",
		"a key that there is not":       "\xa2\x01\x62ab\x07\x62cd",
		"a key below all":               "\xa2\x00\x62cd\x01\x62ab",
		"a negative key":                "\xa1\x20\x62ab",
		"a text as key":                 "\xa1\x61\x31\x62ab",
		"a key in a long form":          "\xa1\x18\x01\x62ab",
		"a length in a long form":       "\xa1\x01\x78\x02ab",
		"a map's length in a long form": "\xb8\x01\x01\x62ab",
		"a map of indefinite length":    "\xbf\x01\x62ab\xff",
		"a text of indefinite length":   "\xa1\x01\x7f\x62ab\xff",
		"a reserved length":             "\xa1\x01\x7cab",
		"a tag":                         "\xd8\x20\xa1\x01\x62ab",
		"a text that is empty":          "\xa1\x01\x60",
		"a text that is not UTF-8":      "\xa1\x01\x62\xc3\x28",
		"fewer pairs than said":         "\xa3\x01\x62ab\x02\x62cd",
		"more pairs than said":          "\xa1\x01\x62ab\x02\x62cd",
		"a text longer than the whole":  "\xa1\x01\x7b\xff\xff\xff\xff\xff\xff\xff\xffab",
	} {
		if err := decode([]byte(b), new(Party)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	for name, b := range map[string]string{
		"false":             "\xa3\x01\x61a\x02\x61b\x03\xf4",
		"one for true":      "\xa3\x01\x61a\x02\x61b\x03\x01",
		"true in long form": "\xa3\x01\x61a\x02\x61b\x03\xf8\x15",
		"no class":          "\xa1\x01\x61a",
	} {
		if err := decode([]byte(b), new(Item)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestNothingIsWrittenThatCouldNotBeReadBack(t *testing.T) {
	long := make([]string, maxList+1)
	for name, v := range map[string]mapping{
		"a text that is not UTF-8":  &Party{Name: "\xff"},
		"the same in a list":        &context{Fields: []string{"\xff"}},
		"the same further in":       &body{Answer: &Answer{Controller: Party{Address: "\xff"}}},
		"a list that is too long":   &context{Fields: long},
		"numbers that are too many": &body{Erased: make([]uint64, maxList+1)},
		"items that are too many":   &Answer{Items: make([]Item, maxList+1)},
	} {
		if b, err := encode(v); err == nil {
			t.Errorf("%s was written in %d bytes", name, len(b))
		}
	}
	b, err := encode(&context{Fields: long[:maxList]})
	must(t, err)
	must(t, decode(b, new(context)))
}

func TestMemoryFollowsWhatIsThereAndNotWhatIsClaimed(t *testing.T) {
	var inputs [][]byte
	for _, claim := range []string{"\x9b\x00\x00\x00\x01\x00\x00\x00\x00", "\x9a\xff\xff\xff\xff", "\x99\x10\x00", "\x99\x0f\xff"} {
		inputs = append(inputs, []byte("\xa1\x0c"+claim), []byte("\xa1\x0c"+claim+"\x01\x02"),
			append([]byte("\xa1\x0c"+claim), make([]byte, 4000)...))
	}
	a, err := encode(&Answer{})
	must(t, err)
	a[1]++ // one more pair: items, of which there are none
	for _, claim := range []string{"\x18\x29\x99\x10\x00", "\x18\x29\x99\x10\x00\xa2", "\x18\x29\x9b\x00\x00\x00\x01\x00\x00\x00\x00"} {
		inputs = append(inputs, bytes.Join([][]byte{{0xa1, 0x0b}, a, []byte(claim)}, nil))
	}
	inputs = append(inputs, []byte("\xa1\x08\x5b\x00\x00\x00\x01\x00\x00\x00\x00"), []byte("\xa1\x01\x7a\x7f\xff\xff\xff"))
	for _, b := range inputs {
		if took, bound := spent(func() { _ = decode(b, new(body)) }), uint64(100*len(b)+16<<10); took > bound {
			t.Errorf("%d bytes that begin with %x took %d bytes of memory, want at most %d", len(b), b[:min(len(b), 16)], took, bound)
		}
	}
}

// spent is the memory that a call takes from the heap, bytes: the least of three, since what else the process does meanwhile is counted too.
func spent(call func()) uint64 {
	least := uint64(math.MaxUint64)
	for range 3 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		call()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

func TestAnExportThatClaimsTooMuchIsRefusedAtOnce(t *testing.T) {
	for _, head := range []string{"\xa1\x03\x5a\x7f\xff\xff\xff", "\xbb\xff\xff\xff\xff\xff\xff\xff\xff", "\xa1\x03\x9a\x7f\xff\xff\xff", "\xbf", "\xff"} {
		var r *bytes.Reader
		var err error
		all := append([]byte(head), make([]byte, 1<<20)...)
		if took := spent(func() { r = bytes.NewReader(all); _, err = VerifyExport(r, nil) }); err == nil || took > 2*maxItem {
			t.Errorf("%x: %v, %d bytes of memory", head, err, took)
		}
		if read := 1<<20 + len(head) - r.Len(); read > maxItem {
			t.Errorf("%x: %d bytes were read", head, read)
		}
	}
}

func TestADecodingErrorNamesThePlaceAndNoValue(t *testing.T) {
	err := decode([]byte("\xa2\x01\x66secret\x01\x61b"), new(Party))
	if want := "decode: byte 9: not in deterministic form"; fmt.Sprint(err) != want {
		t.Errorf("%v, want %s", err, want)
	}
}
