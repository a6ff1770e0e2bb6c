package cli

import (
	"errors"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/store/consent"
)

func newPolicyKeygen(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "keygen FILE",
		Short: "make a pair of keys for signing policies or charters",
		Long: `Writes a fresh Ed25519 key to FILE, readable by you only, and its public half to
FILE.pub. Objects get the public half, as [policy] key or charter_key; the other
one stays with whoever signs. Policy and charter need a key of their own each.`,
		Example: `  candor policy keygen policy.key
  candor policy keygen charter.key`,
		Args: takes("FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			err := agent.KeyGen(args[0], g.env.Rand)
			if errors.Is(err, fs.ErrExist) {
				return failf("name a file that does not exist yet", "%w; a key that is there is never overwritten", err)
			}
			if err != nil {
				return err
			}
			paragraph(g.out, "", args[0]+" signs; keep it off the objects. "+args[0]+".pub is what objects check with.")
			return nil
		},
	}
}

func newPolicySign(g *global) *cobra.Command {
	var key string
	var charter bool
	cmd := &cobra.Command{
		Use:   "sign FILE",
		Short: "sign a policy or a charter",
		Long: `Checks that FILE is well-formed and writes its signature to FILE.sig, which has to
lie beside it on the object. An object whose [policy] key is set takes no policy
without it, and none with a lower version than it had before.`,
		Example: `  candor policy sign policy.toml --key policy.key
  candor policy sign charter.toml --charter --key charter.key`,
		Args: takes("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if key == "" {
				return usagef(cmd, "--key says with which key, as made by `candor policy keygen`")
			}
			kind := consent.PolicyDocument
			if charter {
				kind = consent.CharterDocument
			}
			if err := agent.SignDocument(kind, args[0], key); err != nil {
				return err
			}
			paragraph(g.out, "", args[0]+consent.SignatureSuffix+" is the signature of this "+string(kind)+".")
			return nil
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&key, "key", "", "`FILE` of the private key")
	cmd.Flags().BoolVar(&charter, "charter", false, "it is a charter and not a policy")
	return cmd
}
