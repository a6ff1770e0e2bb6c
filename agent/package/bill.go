package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// The bill of materials is CycloneDX 1.5 (https://cyclonedx.org/docs/1.5/json/), with the parts of it that are known: what Go wrote
// into the binary, and the licences that were read beside it.
type bill struct {
	Format       string       `json:"bomFormat"`
	Spec         string       `json:"specVersion"`
	Serial       string       `json:"serialNumber"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Timestamp string    `json:"timestamp"` // of the commit
	Component component `json:"component"`
}

type component struct {
	Type       string     `json:"type"`
	Ref        string     `json:"bom-ref"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	Licences   []choice   `json:"licenses,omitempty"`
	Purl       string     `json:"purl"`
	Hashes     []hash     `json:"hashes,omitempty"`
	Pedigree   *pedigree  `json:"pedigree,omitempty"`
	Properties []property `json:"properties,omitempty"`
}

// pedigree tells what was changed in a part.
type pedigree struct {
	Notes string `json:"notes"`
}

// choice is one licence, or an expression of several.
type choice struct {
	Licence    *named `json:"license,omitempty"`
	Expression string `json:"expression,omitempty"`
}

type named struct {
	ID string `json:"id"`
}

type hash struct {
	Alg     string `json:"alg"`
	Content string `json:"content"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type dependency struct {
	Ref string   `json:"ref"`
	On  []string `json:"dependsOn,omitempty"`
}

func under(ids ...string) []choice {
	if len(ids) == 1 {
		return []choice{{Licence: &named{ids[0]}}}
	}
	return []choice{{Expression: strings.Join(ids, " AND ")}}
}

// makeBill lists what is in a binary. Its serial number is made of the binary's digest, so that the same binary has the same one.
func makeBill(b *build, parts []licensed) ([]byte, error) {
	sums := map[string]string{}
	for _, d := range b.info.Deps {
		sums[d.Path] = d.Sum // of what was not changed
	}
	self := component{Type: "application", Name: b.name, Version: b.version, Licences: under("Apache-2.0"),
		Purl: fmt.Sprintf("pkg:deb/candor/%s@%s?arch=%s", b.name, b.version, b.arch), Hashes: []hash{{"SHA-256", fmt.Sprintf("%x", b.sum)}}}
	self.Ref = self.Purl
	for _, key := range []string{"GOOS", "GOARCH", "GOARM", "CGO_ENABLED", "-tags", "-trimpath", "vcs.revision", "vcs.modified"} {
		if v := b.setting(key); v != "" {
			self.Properties = append(self.Properties, property{"candor:build:" + key, v})
		}
	}
	on := dependency{Ref: self.Ref}
	out := bill{Format: "CycloneDX", Spec: "1.5", Serial: serial(b.sum), Version: 1,
		Metadata: metadata{Timestamp: b.at.Format(time.RFC3339), Component: self}}
	for _, p := range parts {
		c := component{Type: "library", Name: p.path, Version: p.version, Licences: under(p.ids...), Purl: "pkg:golang/" + p.path + "@" + p.version}
		if sum := sums[p.path]; sum != "" {
			c.Properties = []property{{"candor:go.sum", sum}}
		}
		if p.changed != "" {
			c.Pedigree = &pedigree{p.changed}
		}
		c.Ref = c.Purl
		out.Components = append(out.Components, c)
		on.On = append(on.On, c.Ref)
	}
	out.Dependencies = []dependency{on}
	text, err := json.MarshalIndent(out, "", "  ")
	return append(text, '\n'), err
}

// serial is a UUID (RFC 9562, version 8) of a digest.
func serial(sum [32]byte) string {
	u := sha256.Sum256(append([]byte("candor bill "), sum[:]...))
	u[6], u[8] = u[6]&0x0f|0x80, u[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:16])
}
