package ledger

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"testing"
)

// A receipt from before notices had voices is a receipt still. The export was made by a program that knew "candor notice 1" only, of a yes
// to the reference policy in French; beside it lies the text that was shown. The chain verifies, and the digest is that of the text:
// the template's name, the purpose's id and title, then label and text of each line.
func TestReceiptsOfTheFirstNoticeVerify(t *testing.T) {
	export, err := os.ReadFile("testdata/notice1.cbor")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/notice1.txt")
	if err != nil {
		t.Fatal(err)
	}
	key, _ := hex.DecodeString("0cdd23d80e184412b0cf4d26d81a3d088f57489464d7eccd9127f2b3774a899a")
	if r, err := VerifyExport(bytes.NewReader(export), key); err != nil || r.Entries != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	receipts := 0
	for in := bufio.NewReader(bytes.NewReader(export)); ; {
		var item exportItem
		if readItem(in, &item) != nil {
			break
		}
		var b body
		if len(item.Salted) < saltSize || decode(item.Salted[saltSize:], &b) != nil || b.Answer == nil {
			continue
		}
		receipts++
		if b.Answer.Template != "candor notice 1" || b.Answer.Language != "fr" || b.Answer.Notice != sha256.Sum256(text) || !bytes.HasPrefix(text, []byte("candor notice 1\nrelation - ")) {
			t.Errorf("%s, %s, %x", b.Answer.Template, b.Answer.Language, b.Answer.Notice)
		}
	}
	if receipts != 1 {
		t.Errorf("%d receipts, want one", receipts)
	}
}
