package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"syscall"
)

func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// certificate is what to do about a server whose certificate does not count; empty:
// that is not what is wrong.
func certificate(err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "its certificate is signed by an authority that this machine does not know: give that authority's certificate with --server-ca-file"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "its certificate is for another name: give the name that it is for as --server"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "it does not speak TLS at this port: see whether the port is right, or whether its address begins with http://"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "its certificate does not count: see whether it has expired, and whether this machine's clock is right"
	}
	return ""
}
