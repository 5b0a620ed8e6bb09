using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Data.Artifacts;

/// <summary>Where the files of models are kept. All services must agree.</summary>
public sealed class ArtifactOptions : IValidatableObject
{
    public const string Section = "Artefacts";

    /// <summary><c>postgres</c>, or <c>s3</c> for S3-compatible storage. Default postgres.</summary>
    [RegularExpression("^(postgres|s3)$", ErrorMessage = "Artefacts:Store must be postgres or s3.")]
    public string Store { get; set; } = "postgres";

    /// <summary>Address of the S3 service; empty for Amazon's own of the region.</summary>
    public string Endpoint { get; set; } = "";

    public string Bucket { get; set; } = "";

    /// <summary>Default us-east-1, which compatible services accept.</summary>
    [Required]
    public string Region { get; set; } = "us-east-1";

    /// <summary>Empty: the credentials of the machine or pod, as the SDK finds them.</summary>
    public string AccessKey { get; set; } = "";

    public string SecretKey { get; set; } = "";

    /// <summary>Put before every object's name. Default <c>artefacts/</c>.</summary>
    public string Prefix { get; set; } = "artefacts/";

    /// <summary>Bytes of one part of an upload to S3, which is what it takes of memory. 5 MiB (S3's least) to 64 MiB, default 8 MiB.</summary>
    [Range(5 << 20, 64 << 20)]
    public int PartBytes { get; set; } = 8 << 20;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Store == "s3" && Bucket.Length == 0)
        {
            yield return new ValidationResult("Artefacts:Bucket must be set where Artefacts:Store is s3.", [nameof(Bucket)]);
        }

        if (Endpoint.Length > 0 && !(Uri.TryCreate(Endpoint, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"))
        {
            yield return new ValidationResult("Artefacts:Endpoint must be an http or https address.", [nameof(Endpoint)]);
        }

        if (AccessKey.Length > 0 != SecretKey.Length > 0)
        {
            yield return new ValidationResult("Artefacts:AccessKey and Artefacts:SecretKey must be set together.", [nameof(SecretKey)]);
        }
    }
}
