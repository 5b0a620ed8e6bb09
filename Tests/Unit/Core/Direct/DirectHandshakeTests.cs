using InferenceTemplate.Core.Direct;

namespace InferenceTemplate.Tests.Unit;

public sealed class DirectHandshakeTests
{
    private readonly DirectHandshake _known = new("one secret of more than 32 characters");
    private readonly DirectHandshake _other = new("another secret of over 32 characters.");

    [Fact]
    public void Both_ends_that_know_the_secret_accept_each_other()
    {
        var hello = DirectHandshake.Hello.Decode(DirectHandshake.Hello.Of("w").Encode());
        var proof = DirectHandshake.Proof.Decode(_known.Prove(hello, "r", 1000).Encode());

        Assert.True(_known.Holds(hello, proof));
        Assert.True(_known.IsWelcome(hello, proof, _known.Welcome(hello, proof)));
        Assert.Equal(("w", "r", 1000), (hello.Worker, proof.Replica, proof.MaxFrame));
    }

    [Fact]
    public void Other_secret_another_nonce_and_a_reflected_proof_are_refused()
    {
        var (hello, later) = (DirectHandshake.Hello.Of("w"), DirectHandshake.Hello.Of("w"));
        var proof = _known.Prove(hello, "r", 1000);

        Assert.False(_known.Holds(hello, _other.Prove(hello, "r", 1000)));
        Assert.False(_known.Holds(later, proof));
        Assert.False(_known.Holds(hello, proof with { Replica = "s" }));
        Assert.False(_known.Holds(hello, proof with { Version = Frame.ProtocolVersion + 1 }));
        Assert.False(_known.IsWelcome(hello, proof, proof.Code));
        Assert.False(_known.IsWelcome(hello, proof, _other.Welcome(hello, proof)));
        Assert.False(_known.IsWelcome(hello, proof, []));
    }
}
