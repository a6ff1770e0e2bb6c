package sensors

import (
	"fmt"
	"testing"
)

// The newest values of each field are there, oldest first, and never more than there is room for.
func TestLiveKeepsTheNewest(t *testing.T) {
	number, _ := KindNamed("temperature")
	token, _ := KindNamed("badge")
	l := NewLive([]LiveSource{{"hall", []Field{{Name: "hall.temperature", Kind: number}, {Name: "hall.badge", Kind: token}}}}, 2*3*liveToken)
	for i := range 100 {
		values := []Value{Number(int64(i)), Token(fmt.Sprint(i))}
		if i == 98 {
			values[1] = Value{Quality: Fault, Token: "x"}
		}
		l.Add(&Reading{Source: "hall", Time: Micros(i), Values: values})
	}
	l.Add(&Reading{Source: "attic", Time: 100, Values: []Value{Number(1)}})
	got := l.Series("hall.badge", 0)
	if len(got) != 1 || fmt.Sprint(got[0].Points) != "[{96 0 96} {97 0 97} {99 0 99}]" {
		t.Errorf("badge: %v", got)
	}
	if n := len(l.Series("hall.temperature", 0)[0].Points); n != 3*liveToken/liveNumber {
		t.Errorf("%d numbers, want as many as there is room for: %d", n, 3*liveToken/liveNumber)
	}
	if p := l.Series("hall.temperature", 98)[0].Points; len(p) != 2 || p[1].Num != 99 {
		t.Errorf("since 98: %v", p)
	}
	if len(l.Series("", 0)) != 2 || len(l.Series("attic.x", 0)) != 0 {
		t.Error("all fields are two, and an unknown one none")
	}
}
