export { Client } from './client.js';
export { TintypeError } from './error.js';
export { srcset } from './links.js';
export { typeOfBlob, typeOfBytes, typeOfFile } from './media_type.js';
export { UploadQueue } from './queue.js';
export { sendToSlot, Upload } from './upload.js';
export { verifyWebhook } from './webhook.js';
export type ClientOptions = import('./client.js').ClientOptions;
export type CallOptions = import('./client.js').CallOptions;
export type FileOptions = import('./client.js').FileOptions;
export type SlotOptions = import('./client.js').SlotOptions;
export type Uploaded = import('./client.js').Uploaded;
export type FileContent = import('./file.js').FileContent;
export type QueueOptions = import('./queue.js').QueueOptions;
export type UploadItem = import('./queue.js').UploadItem;
export type RetryOptions = import('./retry.js').RetryOptions;
export type SendOptions = import('./send.js').SendOptions;
export type Caller = import('./types.js').Caller;
export type Changes = import('./types.js').Changes;
export type Deleted = import('./types.js').Deleted;
export type Image = import('./types.js').Image;
export type ImageEvent = import('./types.js').ImageEvent;
export type Limits = import('./types.js').Limits;
export type Link = import('./types.js').Link;
export type Links = import('./types.js').Links;
export type ListedImage = import('./types.js').ListedImage;
export type ListQuery = import('./types.js').ListQuery;
export type PendingImage = import('./types.js').PendingImage;
export type RejectedImage = import('./types.js').RejectedImage;
export type Slot = import('./types.js').Slot;
export type SlotRequest = import('./types.js').SlotRequest;
export type UploadedImage = import('./types.js').UploadedImage;
/**
 * @typedef {import('./client.js').ClientOptions} ClientOptions
 * @typedef {import('./client.js').CallOptions} CallOptions
 * @typedef {import('./client.js').FileOptions} FileOptions
 * @typedef {import('./client.js').SlotOptions} SlotOptions
 * @typedef {import('./client.js').Uploaded} Uploaded
 * @typedef {import('./file.js').FileContent} FileContent
 * @typedef {import('./queue.js').QueueOptions} QueueOptions
 * @typedef {import('./queue.js').UploadItem} UploadItem
 * @typedef {import('./retry.js').RetryOptions} RetryOptions
 * @typedef {import('./send.js').SendOptions} SendOptions
 * @typedef {import('./types.js').Caller} Caller
 * @typedef {import('./types.js').Changes} Changes
 * @typedef {import('./types.js').Deleted} Deleted
 * @typedef {import('./types.js').Image} Image
 * @typedef {import('./types.js').ImageEvent} ImageEvent
 * @typedef {import('./types.js').Limits} Limits
 * @typedef {import('./types.js').Link} Link
 * @typedef {import('./types.js').Links} Links
 * @typedef {import('./types.js').ListedImage} ListedImage
 * @typedef {import('./types.js').ListQuery} ListQuery
 * @typedef {import('./types.js').PendingImage} PendingImage
 * @typedef {import('./types.js').RejectedImage} RejectedImage
 * @typedef {import('./types.js').Slot} Slot
 * @typedef {import('./types.js').SlotRequest} SlotRequest
 * @typedef {import('./types.js').UploadedImage} UploadedImage
 */
