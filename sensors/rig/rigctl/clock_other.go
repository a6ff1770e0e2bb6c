//go:build !linux

package main

import "errors"

func synchronise() error { return errors.New("the guests are Linux") }
