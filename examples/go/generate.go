// Package client holds two clients of the partner service, one of Connect for Go and one of
// grpc-go. They share the code that is generated from the contract in ./proto.
package client

//go:generate buf generate
