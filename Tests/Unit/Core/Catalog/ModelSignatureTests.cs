using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;
using Microsoft.EntityFrameworkCore;

namespace InferenceTemplate.Tests.Unit;

public sealed class ModelSignatureTests
{
    [Fact]
    public void Signature_stored_before_there_were_optional_inputs_has_none()
    {
        using var database = new InferenceDbContext(new DbContextOptionsBuilder<InferenceDbContext>().UseNpgsql("Host=unused").Options);
        var converter = database.Model.FindEntityType(
            typeof(ModelVersion))!.FindProperty(nameof(ModelVersion.Signature))!.GetValueConverter()!;
        var signature = new ModelSignature([new("x", Datatype.Fp32, [-1, 2])], []) { OptionalInputs = [new("shift", Datatype.Fp32, [2])] };

        var stored = (string)converter.ConvertToProvider(signature)!;
        var older = stored[..stored.IndexOf(",\"optional_inputs\"", StringComparison.Ordinal)] + "}";

        Assert.Equal("shift", Assert.Single(((ModelSignature)converter.ConvertFromProvider(stored)!).OptionalInputs).Name);
        Assert.Empty(((ModelSignature)converter.ConvertFromProvider(older)!).OptionalInputs);
    }
}
