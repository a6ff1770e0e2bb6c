//go:build nomqtt

package transport

import (
	"errors"
	"net/url"
)

// speaksMQTT tells that this build has no MQTT: an object that speaks HTTPS need not carry a client for brokers.
const speaksMQTT = false

// openMQTT refuses: [Route.Check] has said so already.
func openMQTT(*Route, *url.URL, Env, *bearer) (carrier, error) { return nil, errNoMQTT }

var errNoMQTT = errors.New("this candor was built without MQTT")
