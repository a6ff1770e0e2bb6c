package wire_test

import (
	"bytes"
	"crypto/ed25519"
	"fmt"

	"github.com/candor-edge/candor/uplink/wire"
)

// What an object does with a batch, and what a recipient does with it.
func Example() {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize)) // random in earnest
	announcement := &wire.Announcement{
		Key: key.Public().(ed25519.PublicKey), Purpose: "trends", Recipient: "acme", Tick: 3600000000,
		Groups: []wire.Group{{Source: "hall", Fields: []wire.FieldSpec{
			{Name: "hall.temperature", Unit: "Cel", Scale: 1, Step: 5, Min: -400, Max: 850},
		}}},
		Access: wire.GroundConsent, Basis: wire.GroundConsent, RetentionDays: 395, Size: 256,
		Receipt: wire.Receipt{Language: "fr"},
	}
	digest, err := announcement.Digest()
	if err != nil {
		fmt.Println(err)
		return
	}

	batch := &wire.Batch{Announcement: digest, Seq: 1, DeleteBy: 21135, Groups: []wire.Rows{{
		Time:    []int64{497000, 497001, 497002},
		Columns: []wire.Column{{Nums: []int64{205, 210, 215}}},
	}}}

	var encoder wire.Encoder
	payload, err := encoder.AppendBatch(nil, batch, int(announcement.Size))
	if err != nil {
		fmt.Println(err)
		return
	}
	message := wire.AppendSigned(nil, wire.SignWith(key), wire.KindBatch, payload)
	fmt.Println(len(message), "bytes")

	payload, err = wire.OpenSigned(wire.KindBatch, announcement.Key, message)
	if err != nil {
		fmt.Println(err)
		return
	}
	got, err := wire.DecodeBatch(payload)
	if err == nil {
		err = announcement.Check(got)
	}
	fmt.Println(got.Groups[0].Columns[0].Nums, err)
	// Output:
	// 256 bytes
	// [205 210 215] <nil>
}
