using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Data.Artifacts;

/// <summary>Where the files of models are kept. All services must agree.</summary>
public sealed class ArtifactOptions : IValidatableObject
{
    public const string Section = "Artifacts";

    /// <summary><c>postgres</c>, or <c>s3</c> for S3-compatible storage. Default postgres.</summary>
    [RegularExpression("^(postgres|s3)$", ErrorMessage = "Artifacts:Store must be postgres or s3.")]
    public string Store { get; set; } = "postgres";

    /// <summary>Address of the S3 service; empty for Amazon's own of the region.</summary>
    public string Endpoint { get; set; } = "";

    /// <summary>The bucket, which must exist; required with <c>s3</c>.</summary>
    public string Bucket { get; set; } = "";

    /// <summary>Region of the bucket. Default <c>us-east-1</c>.</summary>
    [Required]
    public string Region { get; set; } = "us-east-1";

    /// <summary>Access key; empty for the credentials of the machine or pod.</summary>
    public string AccessKey { get; set; } = "";

    /// <summary>Secret key that belongs to the access key.</summary>
    public string SecretKey { get; set; } = "";

    /// <summary>Prefix of every object's name. Default <c>artifacts/</c>.</summary>
    public string Prefix { get; set; } = "artifacts/";

    /// <summary>Bytes of one part of an upload to S3, which is the memory that an upload takes. Default 8 MiB.</summary>
    [Range(5 << 20, 64 << 20)]
    public int PartBytes { get; set; } = 8 << 20;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Store == "s3" && Bucket.Length == 0)
        {
            yield return new ValidationResult("Artifacts:Bucket must be set where Artifacts:Store is s3.", [nameof(Bucket)]);
        }

        if (Endpoint.Length > 0 && !(Uri.TryCreate(Endpoint, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"))
        {
            yield return new ValidationResult("Artifacts:Endpoint must be an http or https address.", [nameof(Endpoint)]);
        }

        if (AccessKey.Length > 0 != SecretKey.Length > 0)
        {
            yield return new ValidationResult("Artifacts:AccessKey and Artifacts:SecretKey must be set together.", [nameof(SecretKey)]);
        }
    }
}
