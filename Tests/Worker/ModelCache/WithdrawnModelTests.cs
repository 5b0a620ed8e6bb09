using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Worker.ModelCache;
using Microsoft.Extensions.Logging.Abstractions;

namespace InferenceTemplate.Tests.Worker.ModelCache;

public sealed class WithdrawnModelTests
{
    [Fact]
    public void Wish_for_a_version_that_was_withdrawn_a_moment_ago_is_no_failure()
    {
        // Serves nothing, hence needs nothing to serve with.
        var model = new InferenceTemplate.Worker.Models.ServedModel(
            new ModelKey("m", "1"), new(new ModelSettings(), Batched: false), null!, null!, null!, null!, null!, TimeProvider.System,
            NullLogger<InferenceTemplate.Worker.Models.ServedModel>.Instance);
        model.Want();
        model.Dispose();

        model.Want();
    }
}
